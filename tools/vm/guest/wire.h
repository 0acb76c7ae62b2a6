/* SPDX-License-Identifier: MIT */
/*
 * What tools/dsa-vm and the guest's init say to each other over one virtio-serial port: frames of a
 * type, a length and that many bytes. tools/vm/wire.py is the other end. Strings need no final NUL.
 */
#ifndef DSA_VM_WIRE_H
#define DSA_VM_WIRE_H

#include <stdint.h>

struct frame_header {
	uint8_t type;
	uint8_t reserved[3];
	uint32_t length; /* of the payload, little-endian as both ends are */
};

#define FRAME_MAX_PAYLOAD (64 * 1024)
/* Bytes of standard input that may be on their way before the guest grants more. */
#define STDIN_WINDOW (256 * 1024)

enum frame_type {
	/* Host to guest, before FRAME_START. */
	FRAME_ARG = 'A',    /* next word of the command */
	FRAME_ENV = 'E',    /* NAME=value */
	FRAME_CWD = 'D',    /* working folder */
	FRAME_MOUNT = 'M',  /* "TAG PATH": 9p share, writable at PATH */
	FRAME_KEEP = 'P',   /* folder of the root that stays visible when tmpfs covers it */
	FRAME_MODULE = 'K', /* kernel module file to load */
	FRAME_TTY = 'T',    /* the command gets a terminal; struct frame_winsize */
	FRAME_START = 'G',
	/* Host to guest, while the command runs. */
	FRAME_STDIN = 'I',
	FRAME_STDIN_EOF = 'e',
	FRAME_SIGNAL = 'S',  /* uint32_t number, for the command's process group */
	FRAME_WINSIZE = 'W', /* struct frame_winsize */
	FRAME_BLOCKED = 'B', /* log who is blocked and where */
	FRAME_END = 'Z',     /* FRAME_EXIT is here: power off */

	/* Guest to host. */
	FRAME_PHASE = 'p', /* uint64_t microseconds since power-on as the guest counts, name */
	FRAME_STDOUT = 'o',
	FRAME_STDERR = 'r',
	FRAME_CREDIT = 'c', /* uint32_t bytes of standard input that were consumed */
	FRAME_LOG = 'l',    /* one record as /dev/kmsg gives it */
	FRAME_ALIVE = 'a',  /* once a second */
	FRAME_FAILED = 'f', /* what the guest could not set up: it stops */
	FRAME_EXIT = 'x',   /* uint32_t exit status of the command, 128 + n after signal n */
};

struct frame_winsize {
	uint16_t rows, columns;
};

#endif
