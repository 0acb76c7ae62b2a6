# SPDX-License-Identifier: MIT
"""Tensor operations of docs/xdsa.md: boxes between memory and the scratchpad."""

from dataclasses import dataclass
from itertools import product
from math import isnan
import struct

from number import BF16, FP16, FP32, FP64, add

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 8, 7: 8, 8: 2, 9: 2, 10: 4, 11: 8, 12: 1, 13: 1}
# What fills with NaN: quiet, which for e5m2 is not what conversions write.
NANS = {8: 0x7e00, 9: 0x7fc0, 10: 0x7fc00000, 11: 0x7ff8000000000000, 12: 0x7f, 13: 0x7f}
LOAD, STORE, ADD, MIN, MAX, PREFETCH = range(6)
REDUCTIONS = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
FORMATS = {8: FP16, 9: BF16, 10: FP32, 11: FP64}
FILL_NAN = 1
BULK = 1


@dataclass
class Map:
    """A struct dsa_tensor_map; base is an offset in the arena."""
    base: int
    strides: list
    dims: list
    box: list
    steps: list
    type: int
    fill: int = 0
    swizzle: int = 0

    def size(self):
        return SIZES[self.type]

    def box_bytes(self):
        total = self.size()
        for count in self.box:
            total *= count
        return total

    def pack(self):
        rank = len(self.dims)

        def padded(values, count):
            return list(values) + [0] * (count - len(values))
        return struct.pack("<Q4Q5I5H5HBBBBI5Q", self.base, *padded(self.strides, 4), *padded(self.dims, 5),
                           *padded(self.box, 5), *padded(self.steps, 5), rank, self.type, self.fill, self.swizzle, 0,
                           *[0] * 5)

    def elements(self, coordinates):
        """Offsets in the scratchpad's box and addresses in memory, None outside, of every element."""
        size = self.size()
        pitches = [size] + self.strides
        for number, j in enumerate(product(*map(range, reversed(self.box)))):
            ids = [c + x * step for c, x, step in zip(coordinates, reversed(j), self.steps)]
            inside = all(0 <= i < dim for i, dim in zip(ids, self.dims))
            address = self.base + sum(i * p for i, p in zip(ids, pitches))
            yield swizzled(size * number, self.swizzle), address if inside else None


def swizzled(offset, n):
    return offset ^ (offset >> 7 & (1 << n) - 1) << 4


def pack(op, map_address, spad, coordinates=(), mbar=0, bytes=0, flags=0):
    """A struct dsa_tensor_op."""
    coordinates = list(coordinates) + [0] * (5 - len(coordinates))
    return struct.pack("<BBH5iQQQQQ", op, flags, 0, *coordinates, map_address, spad, mbar, bytes, 0)


def execute(op, map, coordinates, memory, scratch, spad):
    size = map.size()
    fill = (NANS[map.type] if map.fill == FILL_NAN else 0).to_bytes(size, "little")
    for offset, address in map.elements(coordinates):
        box = slice(spad + offset, spad + offset + size)
        if address is None:
            if op == LOAD:
                scratch[box] = fill
            continue
        element = slice(address, address + size)
        if op == LOAD:
            scratch[box] = memory[element]
        elif op != PREFETCH:
            memory[element] = combine(op, map.type, memory[element], scratch[box])


def combine(op, type, old, new):
    if op == STORE:
        return new
    if type in NANS:
        return combine_floats(op, FORMATS[type], old, new)
    a, b = (int.from_bytes(x, "little", signed=bool(type & 1)) for x in (old, new))
    value = a + b if op == ADD else min(a, b) if op == MIN else max(a, b)
    return (value & (1 << 8 * len(old)) - 1).to_bytes(len(old), "little")


def combine_floats(op, format, old, new):
    a, b = (format.decode(int.from_bytes(x, "little")) for x in (old, new))
    value = format.round(add(a, b)) if op == ADD else extreme(a, b, 1 if op == MAX else -1)
    return format.encode(value).to_bytes(len(old), "little")


def extreme(a, b, sign):
    """IEEE 754-2019 minimumNumber and maximumNumber: a number beats NaN, -0 is below +0."""
    if isnan(a) or isnan(b):
        return b if isnan(a) else a
    if a == b:
        return a if str(sign * a)[0] != "-" else b
    return a if (a > b) == (sign > 0) else b
