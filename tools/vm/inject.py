# SPDX-License-Identifier: MIT
"""Faults, and devices that come and go, in a running VM: orders, and the three ways they take to QEMU.

An order is a line: "fault DEVICE [ORDER]", "unplug DEVICE", "plug DEVICE". It goes to QEMU through its QMP
socket (dsa-vm --qmp), or from inside the guest through a port of its own (dsa-vm --inject), whose other end
is a thread here. The answer is a line: "ok TEXT" or "error TEXT".
"""

import argparse
import glob
import json
import os
import re
import socket
import sys
import threading

PORT_NAME = "dsa-inject"
QMP_LIMIT = 30  # seconds; only against a QEMU that hangs
LINE_LIMIT = 1024


class Refused(Exception):
    """What is asked for cannot be; the text says why."""


class Qmp:
    def __init__(self, channel):
        channel.settimeout(QMP_LIMIT)
        self.channel = channel
        self.data = b""
        self.deleted = set()  # devices that have left
        self.next_message()  # the greeting
        self.command("qmp_capabilities")

    def next_message(self):
        while b"\n" not in self.data:
            more = self.channel.recv(65536)
            if not more:
                raise Refused("QEMU has closed the connection")
            self.data += more
        line, _, self.data = self.data.partition(b"\n")
        message = json.loads(line)
        if message.get("event") == "DEVICE_DELETED":
            self.deleted.add(message["data"].get("device"))
        return message

    def command(self, name, **arguments):
        self.channel.sendall(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        while True:
            message = self.next_message()
            if "error" in message:
                raise Refused(message["error"]["desc"])
            if "return" in message:
                return message["return"]

    def unplug(self, device):
        """Done when the guest has let go of it: its name is free then."""
        self.deleted.discard(device)
        self.command("device_del", id=device)
        try:
            while device not in self.deleted:
                self.next_message()
        except TimeoutError:
            raise Refused(f"the guest has not let go of {device} within {QMP_LIMIT} s") from None


def obey(qmp, line, properties=""):
    """Does what the line asks for; the answer's text."""
    words = line.split(None, 2)
    verb, device, order = (words + ["", "", ""])[:3]
    if not re.fullmatch(r"dsa\d+", device) or verb not in ("fault", "unplug", "plug") or (order and verb != "fault"):
        raise Refused(f"'{line}' is no order: there are fault DEVICE [ORDER], unplug DEVICE, plug DEVICE; "
                      "devices are dsa0, dsa1, ...")
    if verb == "unplug":
        qmp.unplug(device)
        return ""
    if verb == "plug":
        said = qmp.command("human-monitor-command",
                           **{"command-line": f"device_add dsa,id={device},bus=port{device[3:]}{properties}"})
        if said:
            raise Refused(said.strip().removeprefix("Error: "))
        return ""
    where = {"path": f"/machine/peripheral/{device}", "property": "fault"}
    if order:
        qmp.command("qom-set", value=order, **where)
        return ""
    return qmp.command("qom-get", **where).strip()


def serve(port, channel, properties):
    """Obeys the guest until it is gone."""
    qmp, data = None, b""
    while True:
        try:
            more = port.recv(4096)
        except OSError:
            return
        if not more:
            return
        data += more
        while b"\n" in data or len(data) > LINE_LIMIT:
            line, _, data = data.partition(b"\n")
            try:
                qmp = qmp or Qmp(channel)
                text = obey(qmp, line.decode("utf-8", "replace"), properties)
                answer = "ok " + text.replace("\n", " | ")
            except (Refused, OSError, ValueError) as error:
                answer = "error " + str(error).replace("\n", " ")
            try:
                port.sendall(answer.encode() + b"\n")
            except OSError:
                return


def start(port, channel, properties):
    threading.Thread(target=serve, args=(port, channel, properties), daemon=True).start()


# The command line ------------------------------------------------------------------------------------


def guest_port():
    """Inside the VM: the device node of the port, or None."""
    for name in glob.glob("/sys/class/virtio-ports/*/name"):
        with open(name) as file:
            if file.read().strip() == PORT_NAME:
                return "/dev/" + os.path.basename(os.path.dirname(name))
    return None


def ask_port(path, line):
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    answer = b""
    try:
        os.write(fd, line.encode() + b"\n")
        while not answer.endswith(b"\n"):
            answer += os.read(fd, 4096)
    finally:
        os.close(fd)
    verdict, _, text = answer.decode("utf-8", "replace").strip().partition(" ")
    if verdict != "ok":
        raise Refused(text)
    return text.replace(" | ", "\n")


def ask_socket(path, line):
    with socket.socket(socket.AF_UNIX) as channel:
        channel.connect(path)
        return obey(Qmp(channel), line)


ABOUT = """\
Orders a fault of a device in a running VM, or shows what was ordered and how often it came to pass. Inside a
VM that was started with dsa-vm --inject nothing more is needed; elsewhere say with --qmp which VM it is.

  dsa-vm fault --qmp /tmp/vm.qmp core-hang,core=3    the next program on core 3 hangs it
  dsa-vm fault --qmp /tmp/vm.qmp                     what is armed
  dsa-vm fault --qmp /tmp/vm.qmp heal                no more faults
  dsa-vm fault --qmp /tmp/vm.qmp unplug              take the device out; plug: put it in again

docs/faults.md lists the faults; so does a wrong one."""


def main(words):
    parser = argparse.ArgumentParser(prog="dsa-vm fault", description=ABOUT, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--qmp", metavar="PATH", help="the socket that was given to dsa-vm --qmp")
    parser.add_argument("--device", metavar="NAME", default="dsa0", help="which one (default dsa0)")
    parser.add_argument("order", nargs="?", default="", metavar="FAULT[,KEY=VALUE...]|heal[=FAULT]|unplug|plug")
    options = parser.parse_args(words)
    verb = options.order if options.order in ("unplug", "plug") else "fault"
    line = f"{verb} {options.device} {options.order if verb == 'fault' else ''}".strip()
    port = None if options.qmp else guest_port()
    if not options.qmp and not port:
        parser.error("which VM? Give --qmp PATH as to dsa-vm, or start the VM with dsa-vm --inject and say this inside")
    try:
        text = ask_socket(options.qmp, line) if options.qmp else ask_port(port, line)
    except (Refused, OSError, ValueError) as error:
        print(f"dsa-vm fault: {error}", file=sys.stderr)
        return 1
    if text:
        print(text)
    return 0
