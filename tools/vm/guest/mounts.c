// SPDX-License-Identifier: MIT
/*
 * The file systems that the command sees: the host's root, read-only, with the guest's own /dev, /proc
 * and /sys, empty /tmp and /run, and the host's working folder writable at its path.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"

#define P9_OPTIONS "trans=virtio,version=9p2000.L,msize=512000,access=any"

void mounts_early(void)
{
	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/host", 0755);
	mount("dev", "/dev", "devtmpfs", MS_NOSUID, "mode=0755");
	mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount("sys", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

/* Everything that a program may expect and that this kernel has; what it lacks is no error. */
static void mount_kernel_filesystems(void)
{
	mkdir("/dev/pts", 0755);
	mkdir("/dev/shm", 01777);
	mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
	      "mode=0620,ptmxmode=0666,gid=5");
	mount("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
	mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	if (symlink("/proc/self/fd", "/dev/fd") || symlink("/proc/self/fd/0", "/dev/stdin") ||
	    symlink("/proc/self/fd/1", "/dev/stdout") || symlink("/proc/self/fd/2", "/dev/stderr"))
		return;
}

static void make_folders(const char *path)
{
	char *copy = strdup(path);

	for (char *p = copy + 1; *p; p++) {
		if (*p == '/') {
			*p = 0;
			mkdir(copy, 0755);
			*p = '/';
		}
	}
	mkdir(copy, 0755);
	free(copy);
}

static void mount_9p(const char *tag, const char *path, unsigned long flags, const char *options)
{
	char all[256];

	snprintf(all, sizeof(all), P9_OPTIONS ",%s", options);
	if (mount(tag, path, "9p", flags, all))
		link_fail("cannot mount the host's share %s at %s: %s", tag, path, strerror(errno));
}

static void empty_tmpfs(const char *path, const char *options)
{
	if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options))
		link_fail("cannot mount an empty %s: %s (does the host have that folder?)", path,
			  strerror(errno));
}

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
}

static void move_into_host(const char *path)
{
	char target[64];

	snprintf(target, sizeof(target), "/host%s", path);
	if (mount(path, target, NULL, MS_MOVE, NULL))
		link_fail("cannot move %s: %s", path, strerror(errno));
}

void mounts_root(const struct job *job)
{
	int kept[16];
	char *path;

	/* The root is read-only and changes at most under a build that runs beside the VM: caching it is
	 * safe for what a command reads once, and much faster.
	 */
	mount_9p("root", "/host", MS_RDONLY, "cache=loose");
	move_into_host("/dev");
	move_into_host("/proc");
	move_into_host("/sys");
	if (chdir("/host") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		link_fail("cannot make the host's root the guest's: %s", strerror(errno));
	mount_kernel_filesystems();

	for (size_t i = 0; i < job->n_keeps; i++)
		kept[i] = open_tree(AT_FDCWD, job->keeps[i], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	empty_tmpfs("/tmp", "mode=1777");
	empty_tmpfs("/run", "mode=0755");
	for (size_t i = 0; i < job->n_keeps; i++) {
		make_folders(job->keeps[i]);
		if (kept[i] < 0 ||
		    move_mount(kept[i], "", AT_FDCWD, job->keeps[i], MOVE_MOUNT_F_EMPTY_PATH))
			link_fail("cannot keep %s visible: %s", job->keeps[i], strerror(errno));
		close(kept[i]);
	}
	for (size_t i = 0; i < job->n_mounts; i++) {
		path = strchr(job->mounts[i], ' ');
		if (!path)
			link_fail("malformed share: %s", job->mounts[i]);
		*path++ = 0;
		make_folders(path);
		mount_9p(job->mounts[i], path, 0, "cache=mmap");
	}
	loopback_up();
}
