# SPDX-License-Identifier: MIT
"""The frames between dsa-vm and the guest's init: see guest/wire.h, the other end."""

import struct

HEADER = struct.Struct("<B3xI")
MAX_PAYLOAD = 64 * 1024
STDIN_WINDOW = 256 * 1024

ARG, ENV, CWD, MOUNT, KEEP, MODULE, TTY, START = b"AEDMPKTG"
STDIN, STDIN_EOF, SIGNAL, WINSIZE, BLOCKED, END = b"IeSWBZ"
PHASE, STDOUT, STDERR, CREDIT, LOG, ALIVE, FAILED, EXIT = b"porclafx"


def frame(kind, payload=b""):
    return HEADER.pack(kind, len(payload)) + payload


def number(value):
    return struct.pack("<I", value)


def winsize(rows, columns):
    return struct.pack("<HH", rows, columns)


class Decoder:
    """Cuts a byte stream into (kind, payload)."""

    def __init__(self):
        self.data = bytearray()

    def feed(self, data):
        self.data += data
        at = 0
        while len(self.data) - at >= HEADER.size:
            kind, length = HEADER.unpack_from(self.data, at)
            if len(self.data) - at - HEADER.size < length:
                break
            at += HEADER.size
            yield kind, bytes(self.data[at : at + length])
            at += length
        del self.data[:at]
