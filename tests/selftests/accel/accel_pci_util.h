/* SPDX-License-Identifier: MIT */
/* The device in sysfs: what root may do to its PCI function. */
#ifndef ACCEL_PCI_UTIL_H
#define ACCEL_PCI_UTIL_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accel_util.h"

#define PCI_ADDRESS_MAX 16

static inline int file_write(const char *path, const void *data, size_t size, off_t offset)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = pwrite(fd, data, size, offset) == (ssize_t)size ? 0 : -errno;
	close(fd);
	return ret;
}

static inline int file_write_text(const char *path, const char *text)
{
	return file_write(path, text, strlen(text), 0);
}

/* Reads at most @size - 1 bytes of text, without the newline. */
static inline int file_read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	close(fd);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

static inline int pci_address(int fd, char *address)
{
	struct drm_dsa_device_info info;
	int ret = accel_info(fd, &info);

	if (!ret)
		snprintf(address, PCI_ADDRESS_MAX, "%04x:%02x:%02x.%x", info.pci_domain & 0xffff,
			 info.pci_bus, info.pci_device & 0x1f, info.pci_function & 7);
	return ret;
}

static inline int pci_write(const char *address, const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", address, file);
	return file_write_text(path, text);
}

static inline int pci_read(const char *address, const char *file, char *text, size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", address, file);
	return file_read_text(path, text, size);
}

/* @file: bind or unbind. */
static inline int driver_write(const char *address, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/dsa_accel/%s", file);
	return file_write_text(path, address);
}

/* The command register; without its bit 1 the registers do not answer, as if the link was lost. */
static inline int pci_command(const char *address, uint16_t *command)
{
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", address);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = pread(fd, command, 2, 4) == 2 ? 0 : -errno;
	close(fd);
	return ret;
}

static inline int pci_set_command(const char *address, uint16_t command)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", address);
	return file_write(path, &command, 2, 4);
}

/* Waits until @file of the device reads @text: 0 or -ETIME. */
static inline int pci_wait_text(const char *address, const char *file, const char *text)
{
	uint64_t end = accel_now_ns() + WAIT_SECONDS * 1000000000ull;
	char now[64];

	while (pci_read(address, file, now, sizeof(now)) || strcmp(now, text)) {
		if (accel_now_ns() > end)
			return -ETIME;
		usleep(2000);
	}
	return 0;
}

#endif /* ACCEL_PCI_UTIL_H */
