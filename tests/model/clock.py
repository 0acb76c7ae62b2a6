# SPDX-License-Identifier: MIT
"""Modelled time of docs/timing.md: what the instructions of a program take, and the programs of a launch."""

from dataclasses import dataclass, field, fields

# Products a cycle: (times, divided by) of matrix-macs.
RATES = {8: (1, 1), 9: (1, 1), 30: (1, 1), 31: (1, 1), 16: (1, 2), 10: (1, 16), 11: (1, 32), 19: (4, 1), 20: (4, 1), 28: (4, 1),
         **{type: (2, 1) for type in (0, 1, 12, 13, 17, 18, 24, 25, 26, 27, 29)}}

# SEW under which replay.c executes it, and the bits of memory that an element takes; bytes of whole registers.
VECTOR = {"VADD": (32, 0), "VWADD": (16, 0), "VREDSUM": (64, 0), "VMAND": (8, 0), "VMV_X_S": (32, 0), "VMV2R": (32, 0),
          "VLE8": (32, 8), "VLE64": (32, 64), "VSE32": (32, 32), "VLE32FF": (32, 32), "VLSEG2E32": (32, 64), "VLM": (8, 1),
          "VLE8_MASKED": (8, 8), "VLSE8_STRIDE": (8, 8), "VLUXEI16": (16, 16), "VL2RE8": (32, 8, 1024)}


def ceil_div(a, b):
    return -(-a // b)


@dataclass
class Device:
    """The properties, of preset 989t."""
    cores: int = 16
    core_clock_khz: int = 1500000
    matrix_macs: int = 20608
    hbm_bandwidth: int = 3350000  # 10^6 bytes/s
    ring_packet_ns: int = 300
    command_ns: int = 50
    launch_ns: int = 1500
    program_cycles: int = 32
    vector_bits: int = 4096
    hbm_latency: int = 600
    tensor_cycles: int = 16
    matrix_latency: int = 32
    matrix_cycles: int = 4
    convert_cycles: int = 16
    convert_bytes: int = 512

    def options(self):
        return [word for field in fields(self) for word in ("--" + field.name.replace("_", "-"), str(getattr(self, field.name)))]

    def hbm_cycles(self, bytes, programs):
        return ceil_div(bytes * min(self.cores, programs) * self.core_clock_khz * 1000, self.hbm_bandwidth * 10**6)

    def ns(self, cycles):
        return ceil_div(cycles * 10**6, self.core_clock_khz)

    def products(self, a, b, count):
        """Cycles for @count products of two types."""
        return max(ceil_div(count * by, self.matrix_macs * times) for times, by in (RATES[a], RATES[b]))

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
            self.done, self.latest = max(self.latest, self.done), 0

    def passed(self, parity):
        return self.phase & 1 != parity & 1


@dataclass
class Engine:
    """Does one thing after the other."""
    free: int = 0
    done: int = 0
    ops: int = 0
    busy: int = 0

    def run(self, now, cycles, latency=0):
        self.free = max(self.free, now) + cycles
        self.done = self.free + latency
        self.ops, self.busy = self.ops + 1, self.busy + cycles
        return self.done


@dataclass
class Program:
    """A program's clock: its instructions, and the cycles that it spent besides."""
    device: Device
    programs: int = 1
    vector_cycles: int = 0
    hbm_bytes: int = 0  # of vector instructions
    stored: int = 0
    stalls: dict = field(default_factory=lambda: dict.fromkeys(
        ("mbarrier", "tensor", "matrix", "vector_memory", "convert", "cluster"), 0))
    tensors: Engine = field(default_factory=Engine)
    products: Engine = field(default_factory=Engine)
    conversions: Engine = field(default_factory=Engine)
    barriers: dict = field(default_factory=dict)

    @property
    def extra(self):
        return self.vector_cycles + sum(self.stalls.values())

    def wait(self, cause, now, until):
        self.stalls[cause] += max(0, until - now)

    def tensor(self, now, bytes, barrier=None, store=False):
        busy = max(self.device.tensor_cycles, self.device.hbm_cycles(bytes, self.programs))
        done = self.tensors.run(now, busy, self.device.hbm_latency)
        if barrier is not None:
            self.barriers[barrier].change(done, bytes=-bytes)
        if store:
            self.stored = done

    def matrix(self, now, op):
        busy = max(self.device.matrix_cycles, self.device.products(op.a.type, op.b.type, op.m * op.n * op.k))
        self.products.run(now, busy, self.device.matrix_latency)

    def convert(self, now, op):
        self.conversions.run(now, self.device.convert_cycles + ceil_div(op.moved(), self.device.convert_bytes))

    def vector(self, name, elements, in_memory):
        sew, bits, *whole = VECTOR[name]
        self.vector_cycles += max(1, ceil_div(elements * sew, self.device.vector_bits)) - 1
        if in_memory:
            before = self.device.hbm_cycles(self.hbm_bytes, self.programs)
            self.hbm_bytes += whole[0] if whole else elements * bits + 7 >> 3
            self.stalls["vector_memory"] += self.device.hbm_cycles(self.hbm_bytes, self.programs) - before

    def end(self, instructions):
        """Returns. The cycles that the program took on its core."""
        for cause, done in (("tensor", self.stored), ("matrix", self.products.done), ("convert", self.conversions.done)):
            self.wait(cause, instructions + self.extra, done)
        return self.device.program_cycles + instructions + self.extra
