# SPDX-License-Identifier: MIT
"""Our own standard outputs: nobody waits for their readers longer than they want to."""

import os
import select
import stat
import time

MESSAGE_LIMIT = 3  # seconds for a reader of our messages


class Output:
    def __init__(self, fd):
        self.fd, self.step = open_anew(fd)
        self.pending = bytearray()
        self.moved = time.monotonic()  # when the reader last took something
        self.closed = False

    def push(self):
        """Gives the reader what it takes now. The errno where it takes nothing ever again, else 0."""
        while self.pending and not self.closed and self.ready(0):
            try:
                taken = os.write(self.fd, bytes(self.pending[: self.step]))
            except BlockingIOError:
                break
            except OSError as error:
                self.closed = True
                self.pending.clear()
                return error.errno
            del self.pending[:taken]
            self.moved = time.monotonic()
        return 0

    def ready(self, seconds):
        poll = select.poll()
        poll.register(self.fd, select.POLLOUT)
        return bool(poll.poll(seconds * 1000))


def open_anew(fd):
    """(A number for the same file, how much it takes without blocking.) What we were given is shared with
    others: it cannot be made non-blocking, and where nothing else can be had, takes little at a time."""
    try:
        if stat.S_ISFIFO(os.fstat(fd).st_mode) or os.isatty(fd):
            flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            return os.open(f"/proc/self/fd/{fd}", flags), 65536
    except OSError:
        pass
    return fd, select.PIPE_BUF


messages = None


def message(text):
    """To standard error, unless nobody reads that any more."""
    global messages
    messages = messages or Output(2)
    if messages.closed:
        return
    messages.pending += text.encode("utf-8", "surrogateescape")
    end = time.monotonic() + MESSAGE_LIMIT
    messages.push()
    while messages.pending and messages.ready(max(0, end - time.monotonic())):
        messages.push()
    messages.closed = bool(messages.pending)
