// SPDX-License-Identifier: MIT
/* Kernel modules: those of the initramfs, in the order of their file names, and single files. */
#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init.h"

#ifndef MODULE_INIT_COMPRESSED_FILE
#define MODULE_INIT_COMPRESSED_FILE 4
#endif

/* Module names are the same with '-' and '_'. */
static bool same_name(const char *a, const char *b, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char x = a[i] == '-' ? '_' : a[i], y = b[i] == '-' ? '_' : b[i];

		if (x != y)
			return false;
	}
	return true;
}

/* Parameters of a module on the kernel's command line: "NAME.param=value" words, as modprobe reads them. */
static void command_line_parameters(const char *path, char *out, size_t size)
{
	static char line[16384];
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	size_t length = strcspn(name, "."), used = 0;
	char *word, *save;
	ssize_t n;
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);

	out[0] = 0;
	n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n < 0)
		return;
	line[n] = 0;
	for (word = strtok_r(line, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
		if (strlen(word) <= length + 1 || word[length] != '.' ||
		    !same_name(word, name, length))
			continue;
		used += snprintf(out + used, size - used, "%s ", word + length + 1);
		if (used >= size)
			link_fail("the parameters of %s are longer than %zu bytes", path, size);
	}
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

static int load(const char *path)
{
	char parameters[2048];
	int fd = open(path, O_RDONLY | O_CLOEXEC), status = 0;

	if (fd < 0)
		return -errno;
	command_line_parameters(path, parameters, sizeof(parameters));
	if (syscall(SYS_finit_module, fd, parameters,
		    ends_with(path, ".ko") ? 0 : MODULE_INIT_COMPRESSED_FILE))
		status = errno == EEXIST ? 0 : -errno;
	close(fd);
	return status;
}

void modules_load(const char *path)
{
	int status = load(path);

	if (status)
		link_fail("cannot load the kernel module %s: %s (the kernel's log says more)", path,
			  strerror(-status));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/*
 * Loads a folder of the initramfs, "NN-name.ko": the number is the order. A kernel that has these built
 * in refuses them or has none: what is really missing shows when mounting.
 */
void modules_load_folder(const char *folder)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, NULL, by_name);
	char path[512];

	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		load(path);
	}
}
