# SPDX-License-Identifier: MIT
"""The matrix unit of docs/xdsa.md and numerics.md, section 5."""

from dataclasses import dataclass
from fractions import Fraction
import struct

from number import FP32, FP64, add, multiply, random32
from tile import TYPES

F64, I32 = 11, 5
PLAIN_FLOATS = {10, 16, 8, 9, 12, 13, 17, 18, 19}
FLOATS = PLAIN_FLOATS | {24, 25, 26, 27, 28, 29, 30, 31}
INTEGERS = {0, 1, 20}
# Types of A and B: the types of C that go with them.
GROUPS = (({F64}, {F64} | PLAIN_FLOATS), (FLOATS, PLAIN_FLOATS), (INTEGERS, {I32} | INTEGERS))
RESULTS = {F64, I32} | PLAIN_FLOATS | INTEGERS
TRANSPOSED, SATURATE, STOCHASTIC = 1, 1, 2


@dataclass
class Tile:
    """A struct dsa_matrix_tile; addresses count from the start of the scratchpad."""
    type: int
    addr: int
    pitch: int
    flags: int = 0
    scales: int = 0
    scale_pitch: int = 0

    def stored(self, rows, columns):
        return (columns, rows) if self.flags & TRANSPOSED else (rows, columns)

    def place(self, i, j):
        i, j = self.stored(i, j)
        return self.addr + i * self.pitch, self.scales + i * self.scale_pitch, j

    def read(self, memory, rows, columns):
        kind = TYPES[self.type]

        def element(i, j):
            row, scales, column = self.place(i, j)
            return kind.read(memory, row, scales, column)
        return [[element(i, j) for j in range(columns)] for i in range(rows)]

    def pack(self, base):
        return struct.pack("<QQIIBB6x", base + self.addr, self.scales and base + self.scales, self.pitch,
                           self.scale_pitch, self.type, self.flags)


@dataclass
class Operation:
    """A struct dsa_matrix_op."""
    a: Tile
    b: Tile
    c: Tile
    d: Tile
    m: int
    n: int
    k: int
    flags: int = 0
    scale: int = 0x3f800000  # fp32
    seed: int = 0

    def pack(self, base):
        tiles = b"".join(t.pack(base) if t else bytes(32) for t in (self.a, self.b, self.c, self.d))
        return tiles + struct.pack("<HHHBxIIQ", self.m, self.n, self.k, self.flags, self.scale, 0, self.seed)


def execute(op, memory):
    a = op.a.read(memory, op.m, op.k)
    b = list(zip(*op.b.read(memory, op.k, op.n)))
    c = op.c.read(memory, op.m, op.n) if op.c else [[0.0] * op.n] * op.m
    compute = integers if op.a.type in INTEGERS else floats
    out = TYPES[op.d.type]
    for i in range(op.m):
        for j in range(op.n):
            value = compute(op, a[i], b[j], c[i][j])
            random = random32(op.seed, i * op.n + j) if op.flags & STOCHASTIC else None
            row, _, column = op.d.place(i, j)
            out.write(memory, row, column, out.format.encode(value, bool(op.flags & SATURATE), random))


def floats(op, row, column, total):
    format = FP64 if op.a.type == F64 else FP32
    for x, y in zip(row, column):
        total = format.round(add(multiply(x, y), total))
    return times(total, op.scale, format)


def integers(op, row, column, total):
    total = int(total) + sum(int(x) * int(y) for x, y in zip(row, column))
    total = (total + (1 << 31)) % (1 << 32) - (1 << 31)
    return times(Fraction(total) or 0.0, op.scale, FP64)


def times(value, scale, format):
    return value if scale == 0x3f800000 else format.round(multiply(value, FP32.decode(scale)))
