# SPDX-License-Identifier: MIT
"""The guest kernel's log: its records as they come, and what in them must not be there."""

import collections
import re

# What the kernel prints when it finds itself broken, at whatever level.
BUGS = re.compile(
    r"^(WARNING: |BUG: |Oops|kernel BUG|general protection|Kernel panic|INFO: task .* blocked|"
    r"INFO: possible|INFO: trying to register|rcu: INFO:|watchdog: |UBSAN: |KASAN|KFENCE|BUG KFENCE|BUG [a-z]|"
    r"DMAR: .*fault|DMA-API: (?!preallocated |debugging enabled )|ODEBUG: |kmemleak: \d+ new suspected|"
    r"refcount_t: |list_(add|del) corruption|irq \d+: nobody cared|unregister_netdevice|"
    r"sysfs: cannot create duplicate|kobject_add_internal failed|Unable to handle|"
    r"slab .* corrupt|============================= *BUG|Call Trace:|scheduling while atomic)"
)

# Warnings that an unsigned module from outside the kernel's tree always brings.
EXPECTED = re.compile(r"loading out-of-tree module taints kernel|module verification failed")

LEVEL_WARNING = 4

Record = collections.namedtuple("Record", "level usec text")


def parse(raw):
    """A record as /dev/kmsg gives it: "PRIORITY,SEQUENCE,USEC,FLAGS;TEXT\\n KEY=value..."."""
    head, _, rest = raw.decode("utf-8", "replace").partition(";")
    fields = head.split(",")
    text = rest.split("\n", 1)[0]
    return Record(int(fields[0]) & 7, int(fields[2]), text)


class KernelLog:
    def __init__(self):
        self.records = []
        self.driver_usec = None  # when the driver began to load

    def add(self, raw):
        self.records.append(parse(raw))

    def tail(self, count):
        return [format_record(record) for record in self.records[-count:]]

    def offences(self, strictness):
        """What "bugs" or "warnings" strictness objects to; bugs with the lines that follow them."""
        found = []
        after_bug = 0
        for record in self.records:
            is_bug = bool(BUGS.search(record.text))
            if is_bug:
                after_bug = 80
            warning = (
                strictness == "warnings"
                and record.level <= LEVEL_WARNING
                and self.driver_usec is not None
                and record.usec >= self.driver_usec
                and not EXPECTED.search(record.text)
            )
            if warning or after_bug:
                found.append(format_record(record))
            after_bug = max(0, after_bug - 1)
        return found


def format_record(record):
    return f"[{record.usec / 1e6:12.6f}] {record.text}"
