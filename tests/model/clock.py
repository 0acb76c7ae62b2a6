# SPDX-License-Identifier: MIT
"""Modelled time of docs/timing.md: what the instructions of a program take, and the programs of a launch."""

from dataclasses import dataclass, field

RING_PACKET_NS, COMMAND_NS, LAUNCH_NS = 300, 50, 1500
PROGRAM_START, TENSOR_LEAST, TENSOR_LATENCY, MATRIX_START = 32, 16, 600, 32

# Products a cycle: (times, divided by) of matrix-macs.
RATES = {8: (1, 1), 9: (1, 1), 30: (1, 1), 31: (1, 1), 16: (1, 2), 10: (1, 16), 11: (1, 32), 19: (4, 1), 20: (4, 1), 28: (4, 1),
         **{type: (2, 1) for type in (0, 1, 12, 13, 17, 18, 24, 25, 26, 27, 29)}}

# SEW under which replay.c executes it, and the bits of memory that an element takes outside the scratchpad.
VECTOR = {"VADD": (32, 0), "VWADD": (16, 0), "VREDSUM": (64, 0), "VMAND": (8, 0), "VMV_X_S": (32, 0), "VMV2R": (32, 0),
          "VLE8": (32, 8), "VLE64": (32, 64), "VSE32": (32, 32), "VLE32FF": (32, 32), "VLSEG2E32": (32, 64), "VLM": (8, 1),
          "VLE8_MASKED": (8, 8), "VLSE8_STRIDE": (8, 0), "VLUXEI16": (16, 0)}


def ceil_div(a, b):
    return -(-a // b)


@dataclass
class Device:
    cores: int = 16
    khz: int = 1500000
    macs: int = 20608
    hbm: int = 3350000  # 10^6 bytes/s

    def options(self):
        return ["--cores", str(self.cores), "--core-clock-khz", str(self.khz), "--matrix-macs", str(self.macs),
                "--hbm-bandwidth", str(self.hbm)]

    def hbm_cycles(self, bytes, programs):
        return ceil_div(bytes * min(self.cores, programs) * self.khz * 1000, self.hbm * 10**6)

    def ns(self, cycles):
        return ceil_div(cycles * 10**6, self.khz)

    def products(self, a, b, count):
        """Cycles for @count products of two types."""
        return max(ceil_div(count * by, self.macs * times) for times, by in (RATES[a], RATES[b]))

    def makespan(self, programs):
        """Of programs that take so many cycles."""
        free = [0] * self.cores
        for cycles in programs:
            first = free.index(min(free))
            free[first] += cycles
        return max(free)


@dataclass
class Barrier:
    arrivals: int
    pending: int
    bytes: int = 0
    phase: int = 0
    latest: int = 0
    done: int = 0

    def change(self, cycle, arrivals=0, bytes=0):
        self.pending -= arrivals
        self.bytes += bytes
        self.latest = max(self.latest, cycle)
        if not self.pending and not self.bytes:
            self.phase, self.pending = self.phase + 1 & 0xffffffff, self.arrivals
            self.done, self.latest = self.latest, 0

    def passed(self, parity):
        return self.phase & 1 != parity & 1


@dataclass
class Program:
    """A program's clock: its instructions, and what it spent besides (@extra)."""
    device: Device
    programs: int = 1
    extra: int = 0
    hbm_bytes: int = 0  # of vector instructions
    tensor_free: int = 0
    stored: int = 0
    matrix_free: int = 0
    barriers: dict = field(default_factory=dict)

    def wait(self, now, until):
        self.extra += max(0, until - now)

    def tensor(self, now, bytes, barrier=None, waited_for=False):
        busy = max(TENSOR_LEAST, self.device.hbm_cycles(bytes, self.programs))
        self.tensor_free = max(self.tensor_free, now) + busy
        done = self.tensor_free + TENSOR_LATENCY
        if barrier is not None:
            self.barriers[barrier].change(done, bytes=-bytes)
        if waited_for:
            self.stored = done

    def matrix(self, now, op):
        cycles = MATRIX_START + self.device.products(op.a.type, op.b.type, op.m * op.n * op.k)
        self.matrix_free = max(self.matrix_free, now) + cycles

    def vector(self, name, elements, in_memory):
        sew, bits = VECTOR[name]
        self.extra += max(1, ceil_div(elements * sew, 4096)) - 1
        if in_memory:
            before = self.device.hbm_cycles(self.hbm_bytes, self.programs)
            self.hbm_bytes += elements * bits + 7 >> 3
            self.extra += self.device.hbm_cycles(self.hbm_bytes, self.programs) - before

    def end(self, instructions):
        """Cycles that the program takes on its core."""
        return PROGRAM_START + max(instructions + self.extra, self.stored, self.matrix_free)
