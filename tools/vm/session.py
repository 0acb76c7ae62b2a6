# SPDX-License-Identifier: MIT
"""One run of a command in the VM: carries its streams and signals, and notices when the guest dies."""

import errno
import os
import select
import signal
import struct
import termios
import time
import tty

import kernlog
import output
import wire

STATUS_STRICT_LOG = 123
STATUS_TIMEOUT = 124
STATUS_VM_FAILED = 125

# A guest that says nothing for so long is dead: it sends a heartbeat every second.
SILENCE_LIMIT = 90
POWER_OFF_LIMIT = 15
# From SIGTERM, the command's share of it, to the end of the VM.
TERMINATE_LIMIT = 10
# So much output waits here for a reader that does not read before the guest has to wait, too. When a signal comes
# meanwhile, what is under way from the guest is taken in, to see what became of the command; when that is over, the
# reader has so long to read on.
READ_AHEAD = 1 << 20
UNDER_WAY = 64 << 20
READER_LIMIT = 2
CONSOLE_KEPT = 64 * 1024
FORWARDED = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2]


class Session:
    def __init__(self, options, machine, orders, started):
        self.options = options
        self.machine = machine
        self.orders = orders  # frames that describe the job
        self.started = started
        self.log = kernlog.KernelLog()
        self.console = bytearray()  # the serial console's last output
        self.qemu_said = b""
        self.decoder = wire.Decoder()
        self.outgoing = bytearray()
        self.credit = wire.STDIN_WINDOW
        self.phases = []
        self.status = None  # what the command returned
        self.failure = None  # why there is none
        self.heard = time.monotonic()
        self.stdin_open = True
        self.running = False
        self.interrupts = 0
        self.terminated = None  # when SIGTERM came
        self.outputs = {1: output.Output(1), 2: output.Output(2)}
        self.unwanted = False  # a signal came while our reader did not read
        self.gone = set()  # of the VM's three channels
        self.tty_saved = None
        self.use_tty = os.isatty(0) and os.isatty(1)
        self.console_file = None

    # Starting and ending ---------------------------------------------------------------------------

    def run(self):
        """Returns the exit status for dsa-vm."""
        if self.options.console_log:
            self.console_file = open(self.options.console_log, "wb", buffering=0)
        self.wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        for number in FORWARDED + [signal.SIGWINCH]:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, lambda *_: None)
        # In the background, reading a terminal fails instead of stopping us.
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        self.machine.start()
        self.phase("qemu")
        for channel in (self.machine.link, self.machine.console):
            channel.setblocking(False)
        os.set_blocking(self.machine.process.stdout.fileno(), False)
        self.send_orders()
        try:
            self.loop()
        finally:
            self.leave_tty()
            self.machine.kill()
        return self.conclude()

    def send_orders(self):
        self.outgoing += self.orders
        if self.use_tty:
            size = os.get_terminal_size(1)
            self.outgoing += wire.frame(wire.TTY, wire.winsize(size.lines, size.columns))
        self.outgoing += wire.frame(wire.START)

    def phase(self, name, guest_usec=None):
        self.phases.append((name, time.monotonic() - self.started, guest_usec))

    def enter_tty(self):
        if self.use_tty and self.tty_saved is None:
            self.tty_saved = termios.tcgetattr(0)
            tty.setraw(0, termios.TCSANOW)

    def leave_tty(self):
        if self.tty_saved is not None:
            termios.tcsetattr(0, termios.TCSADRAIN, self.tty_saved)
            self.tty_saved = None

    # The loop --------------------------------------------------------------------------------------

    def deadline(self):
        """When something must have happened, and what is wrong if it has not."""
        limits = []
        over = self.status is not None or self.failure
        if over and not self.vm_gone():
            limits.append((self.heard + POWER_OFF_LIMIT, "power-off"))
        if over and self.pending() and self.unwanted:
            limits.append((max(out.moved for out in self.outputs.values() if out.pending) + READER_LIMIT, "reader"))
        if not over and not (self.options.gdb or self.options.qmp):  # there, people stop the machine
            limits.append((self.heard + SILENCE_LIMIT, "silence"))
        if not over and self.terminated:
            limits.append((self.terminated + TERMINATE_LIMIT, "terminated"))
        if self.options.timeout and (not over or self.pending()):
            limits.append((self.started + self.options.timeout, "timeout"))
        return min(limits) if limits else (None, None)

    def vm_gone(self):
        return len(self.gone) == 3

    def pending(self):
        return sum(len(out.pending) for out in self.outputs.values())

    def reads_link(self):
        """Our reader holds up the guest, but not what the guest says last."""
        if self.status is not None or self.failure:
            return True
        return self.pending() < READ_AHEAD + (UNDER_WAY if self.unwanted else 0)

    def loop(self):
        link, console = self.machine.link.fileno(), self.machine.console.fileno()
        qemu = self.machine.process.stdout.fileno()
        handlers = {link: self.on_link, console: self.on_console, qemu: self.on_qemu, 0: self.on_stdin,
                    self.wake_read: self.on_signal}
        handlers.update({out.fd: lambda fd=fd: self.push(fd) for fd, out in self.outputs.items()})
        while not self.vm_gone() or (self.pending() and not self.failure):
            poll = select.poll()
            for fd in (console, qemu):
                if fd not in self.gone:
                    poll.register(fd, select.POLLIN)
            if not self.reads_link():
                self.heard = time.monotonic()
            if link not in self.gone:
                poll.register(link, (select.POLLIN if self.reads_link() else 0) | (select.POLLOUT if self.outgoing else 0))
            poll.register(self.wake_read, select.POLLIN)
            for out in self.outputs.values():
                if out.pending:
                    poll.register(out.fd, select.POLLOUT)
            if self.running and self.stdin_open and self.credit and self.status is None:
                poll.register(0, select.POLLIN)
            when, what = self.deadline()
            events = poll.poll(None if when is None else max(0, when - time.monotonic()) * 1000 + 1)
            # We may just have been stopped ourselves: what the guest has said meanwhile counts.
            spoke = what == "silence" and any(fd == link for fd, _ in events)
            if when is not None and time.monotonic() >= when and not spoke and not self.on_deadline(what):
                return
            for fd, event in events:
                if fd == link and event & select.POLLOUT:
                    self.flush()
                    event &= ~select.POLLOUT
                if event and handlers[fd]() is False:
                    self.gone.add(fd)

    def on_deadline(self, what):
        """Whether to go on."""
        if what == "timeout":
            self.failure = ("timeout", f"the time limit of {self.options.timeout:g} s is over")
            self.status = None
            self.outgoing += wire.frame(wire.BLOCKED) if self.running else b""
            self.flush()
            self.collect_last_words()
        elif what == "silence":
            self.failure = ("hang", f"the guest has said nothing for {SILENCE_LIMIT} s")
        elif what == "terminated":
            self.failure = ("signal", signal.SIGTERM)
        elif what == "power-off":
            stopped = self.machine.process.poll() is not None
            self.machine.kill()
            return not stopped
        return False

    def collect_last_words(self):
        """After a time-out: what a guest that lives still logs about who is blocked."""
        end = time.monotonic() + 2
        poll = select.poll()
        poll.register(self.machine.link.fileno(), select.POLLIN)
        quiet = False
        while time.monotonic() < end and not quiet:
            quiet = not poll.poll(300)
            if not quiet and self.on_link() is False:
                return

    def flush(self):
        try:
            while self.outgoing:
                del self.outgoing[: self.machine.link.send(self.outgoing)]
        except BlockingIOError:
            pass
        except OSError:
            self.outgoing.clear()

    def receive(self, channel):
        try:
            return channel.recv(1 << 18)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def on_link(self):
        data = self.receive(self.machine.link)
        if data == b"":
            return False
        for kind, payload in self.decoder.feed(data or b""):
            self.on_frame(kind, payload)
        self.heard = time.monotonic()
        return True

    def on_console(self):
        data = self.receive(self.machine.console)
        if data == b"":
            return False
        if data:
            self.console += data
            del self.console[:-CONSOLE_KEPT]
            if self.console_file:
                self.console_file.write(data)
        return True

    def on_qemu(self):
        try:
            data = os.read(self.machine.process.stdout.fileno(), 65536)
        except BlockingIOError:
            return True
        if not data:
            return False
        self.qemu_said = (self.qemu_said + data)[-65536:]
        return True

    def on_stdin(self):
        try:
            data = os.read(0, min(self.credit, wire.MAX_PAYLOAD))
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        if data:
            self.credit -= len(data)
            self.outgoing += wire.frame(wire.STDIN, data)
        else:
            self.stdin_open = False
            self.outgoing += wire.frame(wire.STDIN_EOF)
        self.flush()
        return True

    def on_signal(self):
        for number in os.read(self.wake_read, 64):
            if number == signal.SIGWINCH:
                if self.use_tty:
                    size = os.get_terminal_size(1)
                    self.outgoing += wire.frame(wire.WINSIZE, wire.winsize(size.lines, size.columns))
                    self.flush()
            elif number in FORWARDED:
                self.interrupts += 1
                self.unwanted = self.pending() > 0
                if number == signal.SIGTERM and not self.terminated:
                    self.terminated = time.monotonic()
                if not self.running or self.status is not None or self.interrupts > 2:
                    self.failure = ("signal", number)
                    self.machine.kill()
                else:
                    self.signal_command(number)
        return True

    def signal_command(self, number):
        self.outgoing += wire.frame(wire.SIGNAL, wire.number(number))
        self.flush()

    # Frames ----------------------------------------------------------------------------------------

    def on_frame(self, kind, payload):
        if kind == wire.STDOUT:
            self.write(1, payload)
        elif kind == wire.STDERR:
            self.write(2, payload)
        elif kind == wire.LOG:
            self.log.add(payload)
        elif kind == wire.CREDIT:
            self.credit += struct.unpack("<I", payload)[0]
        elif kind == wire.PHASE:
            self.on_phase(struct.unpack_from("<Q", payload)[0], payload[8:].decode())
        elif kind == wire.FAILED:
            self.failure = ("guest", payload.decode("utf-8", "replace"))
        elif kind == wire.EXIT:
            self.status = struct.unpack("<I", payload)[0]
            self.outgoing += wire.frame(wire.END)
            self.flush()
            self.phase("exit")
            self.leave_tty()

    def on_phase(self, usec, name):
        self.phase(name, usec)
        if name == "root":
            self.log.driver_usec = usec
        elif name == "command":
            self.running = True
            self.enter_tty()
            try:
                os.fstat(0)
            except OSError:
                self.stdin_open = False
                self.outgoing += wire.frame(wire.STDIN_EOF)

    def write(self, fd, data):
        """To our own output; whoever does not want it any more makes the command see a closed pipe."""
        if self.failure or self.outputs[fd].closed:
            return
        self.outputs[fd].pending += data
        self.push(fd)

    def push(self, fd):
        if self.outputs[fd].push() == errno.EPIPE:
            self.signal_command(signal.SIGPIPE)
        self.unwanted = self.unwanted and self.pending() > 0
        return True

    # The end ---------------------------------------------------------------------------------------

    def conclude(self):
        self.phase("end")
        if self.options.timing:
            self.report_timing()
        if self.status is None:
            return self.explain()
        offences = self.log.offences(self.options.strict_log) if self.options.strict_log else []
        if offences:
            say(f"the guest kernel's log is not clean ({len(offences)} lines):")
            show(offences[:200])
            return self.status or STATUS_STRICT_LOG
        return self.status

    def explain(self):
        """No exit status came back: say why, with the guest's last words."""
        kind, text = self.failure or ("dead", None)
        if kind == "signal":
            return 128 + text
        lines = self.console_lines()
        if kind == "guest":
            say(text)
        elif kind == "timeout":
            say(f"{text}; the VM was stopped")
        elif kind == "hang":
            say(f"the guest hangs: {text[len('the guest '):]}; the VM was stopped")
        elif any("Kernel panic" in line for line in lines):
            say("the guest's kernel panicked")
        elif not self.phases or not any(name == "init" for name, _, _ in self.phases):
            code = self.machine.process.returncode
            say("the VM did not start" if code else "the guest did not come up to its init")
        else:
            say("the VM stopped before the command was over")
        if self.qemu_said:
            say("QEMU said:")
            show(self.qemu_said.decode("utf-8", "replace").splitlines()[-20:])
        if lines:
            say("last lines of the guest's console:")
            show(lines[-60:])
        if self.log.records and kind != "dead":
            say("last lines of the guest kernel's log:")
            show(self.log.tail(30))
        return STATUS_TIMEOUT if kind == "timeout" else STATUS_VM_FAILED

    def console_lines(self):
        text = self.console.decode("utf-8", "replace").replace("\r", "")
        return [line for line in text.split("\n") if line.strip()]

    def report_timing(self):
        say("phase      since start  since power-on")
        for name, at, usec in self.phases:
            guest = f"{usec / 1e6:12.3f} s" if usec is not None else ""
            show([f"{name:9} {at:10.3f} s {guest}"])


def say(text):
    output.message(f"dsa-vm: {text}\n")


def show(lines):
    output.message("".join(f"  {line}\n" for line in lines))
