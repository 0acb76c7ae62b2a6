// SPDX-License-Identifier: MIT
#include "accel_inject_util.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "accel_util.h"

static int port_path(const char *name_file, char *path, size_t size)
{
	char name[32] = "", port[32];
	FILE *f = fopen(name_file, "r");

	if (!f)
		return -ENODEV;
	if (!fgets(name, sizeof(name), f) || strcmp(name, "dsa-inject\n"))
		name[0] = 0;
	fclose(f);
	if (!name[0] || sscanf(name_file, "/sys/class/virtio-ports/%31[^/]", port) != 1)
		return -ENODEV;
	snprintf(path, size, "/dev/%s", port);
	return 0;
}

/* Only one may have it open: others wait their turn. */
static int port_open(void)
{
	uint64_t end = accel_now_ns() + WAIT_SECONDS * 1000000000ull;
	int ret = -ENODEV;
	char path[64];
	glob_t found;

	if (glob("/sys/class/virtio-ports/*/name", 0, NULL, &found))
		return -ENODEV;
	for (size_t i = 0; i < found.gl_pathc && ret; i++)
		ret = port_path(found.gl_pathv[i], path, sizeof(path));
	globfree(&found);
	if (ret)
		return ret;
	while ((ret = open(path, O_RDWR | O_CLOEXEC)) < 0 && errno == EBUSY)
		if (accel_now_ns() > end)
			break;
	return ret < 0 ? -errno : ret;
}

/* Up to the end of the line; -ETIME: it does not come. */
static int read_line(int fd, char *line, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t n = 0;

	while (!n || line[n - 1] != '\n') {
		ssize_t got;

		if (n == size - 1 || poll(&p, 1, 2 * WAIT_SECONDS * 1000) <= 0)
			return -ETIME;
		got = read(fd, line + n, size - 1 - n);
		if (got <= 0)
			return got ? -errno : -EPIPE;
		n += got;
	}
	line[n - 1] = 0;
	return 0;
}

int inject(char *answer, size_t size, const char *fmt, ...)
{
	char order[512], line[4096];
	int fd = port_open(), ret, n;
	va_list ap;

	if (fd < 0)
		return fd;
	va_start(ap, fmt);
	n = vsnprintf(order, sizeof(order) - 1, fmt, ap);
	va_end(ap);
	order[n++] = '\n';
	ret = write(fd, order, n) == n ? read_line(fd, line, sizeof(line)) : -EIO;
	close(fd);
	if (ret)
		return ret;
	ret = strncmp(line, "ok", 2) ? -EINVAL : 0;
	if (answer)
		snprintf(answer, size, "%s", strchr(line, ' ') ? strchr(line, ' ') + 1 : "");
	else if (ret)
		fprintf(stderr, "# %.*s: %s\n", n - 1, order, line);
	return ret;
}
