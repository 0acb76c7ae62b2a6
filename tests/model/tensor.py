# SPDX-License-Identifier: MIT
"""Tensor operations of docs/xdsa.md: boxes between memory and the scratchpad."""

from dataclasses import dataclass
from itertools import product
from math import isnan, prod
import struct

from number import BF16, FP16, FP32, FP64, add

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 8, 7: 8, 8: 2, 9: 2, 10: 4, 11: 8, 12: 1, 13: 1}
# What fills with NaN: quiet, which for e5m2 is not what conversions write.
NANS = {8: 0x7e00, 9: 0x7fc0, 10: 0x7fc00000, 11: 0x7ff8000000000000, 12: 0x7f, 13: 0x7f}
LOAD, STORE, ADD, MIN, MAX, PREFETCH = range(6)
REDUCTIONS = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
FORMATS = {8: FP16, 9: BF16, 10: FP32, 11: FP64}
FILL_NAN = 1
BULK, MULTICAST, ROWS = 1, 2, 4


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
    im2col: bool = False
    lower: tuple = ()
    upper: tuple = ()

    def size(self):
        return SIZES[self.type]

    def counts(self, rows):
        """Elements moved in each dimension; a list of rows replaces the last one."""
        return self.box if rows is None else self.box[:-1] + [len(rows)]

    def box_bytes(self, rows=None):
        return prod(self.counts(rows)) * self.size()

    def pack(self):
        rank = len(self.dims)

        def padded(values, count):
            return list(values) + [0] * (count - len(values))
        return struct.pack("<Q4Q5I5H5HBBBBI6hI3Q", self.base, *padded(self.strides, 4), *padded(self.dims, 5),
                           *padded(self.box, 5), *padded(self.steps, 5), rank, self.type, self.fill, self.swizzle,
                           self.im2col, *padded(self.lower, 3), *padded(self.upper, 3), 0, *[0] * 3)

    def boxed(self, coordinates, rows):
        """The numbers of each element of the box in the tensor's dimensions."""
        for j in product(*map(range, reversed(self.counts(rows)))):
            ids = [c + x * step for c, x, step in zip(coordinates, reversed(j), self.steps)]
            yield ids if rows is None else ids[:-1] + [rows[j[0]]]

    def positions(self):
        """How many a filter has in each dimension of space."""
        space = zip(self.dims[1:-1], self.lower, self.upper, self.steps[1:-1])
        return [-(-(dim + upper - lower) // step) for dim, lower, upper, step in space]

    def pixels(self, coordinates, taps):
        """The same of an im2col map."""
        for pixel, channel in product(range(self.box[1]), range(self.box[0])):
            ids, carry = [coordinates[0] + channel * self.steps[0]], pixel
            for d, count in enumerate(self.positions()):
                carry, position = divmod(coordinates[1 + d] + carry, count)
                ids.append(self.lower[d] + taps[d] + position * self.steps[1 + d])
            yield ids + [coordinates[-1] + carry]

    def elements(self, coordinates, rows=None, taps=()):
        """Offsets in the scratchpad's box and addresses in memory, None outside, of every element."""
        size = self.size()
        pitches = [size] + self.strides
        moved = self.pixels(coordinates, taps) if self.im2col else self.boxed(coordinates, rows)
        for number, ids in enumerate(moved):
            inside = all(0 <= i < dim for i, dim in zip(ids, self.dims))
            address = self.base + sum(i * p for i, p in zip(ids, pitches))
            yield swizzled(size * number, self.swizzle), address if inside else None


def swizzled(offset, n):
    return offset ^ (offset >> 7 & (1 << n) - 1) << 4


def pack(op, map_address, spad, coordinates=(), mbar=0, bytes=0, flags=0, tail=0):
    """A struct dsa_tensor_op."""
    coordinates = list(coordinates) + [0] * (5 - len(coordinates))
    return struct.pack("<BBH5iQQQQQ", op, flags, 0, *coordinates, map_address, spad, mbar, bytes, tail)


def execute(op, map, coordinates, memory, scratch, spad, rows=None, taps=()):
    size = map.size()
    fill = (NANS[map.type] if map.fill == FILL_NAN else 0).to_bytes(size, "little")
    for offset, address in map.elements(coordinates, rows, taps):
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
