# SPDX-License-Identifier: MIT
"""Tiles of a matrix in the scratchpad: types, packing and blocks of docs/numerics.md."""

from fractions import Fraction
from number import (BF16, E2M1, E2M3, E3M2, E4M3, E5M2, FP16, FP32, FP64, INT32, INT4, INT8, TF32, UINT8, e8m0,
                    multiply, power2)


def bits_at(memory, position, count):
    """@count bits at bit @position of the bytes."""
    first, last = position >> 3, position + count + 7 >> 3
    return int.from_bytes(memory[first:last], "little") >> (position & 7) & (1 << count) - 1


def set_bits(memory, position, count, value):
    first, last = position >> 3, position + count + 7 >> 3
    mask = (1 << count) - 1 << (position & 7)
    old = int.from_bytes(memory[first:last], "little")
    memory[first:last] = (old & ~mask | value << (position & 7)).to_bytes(last - first, "little")


class Plain:
    scaled = False

    def __init__(self, format):
        self.format = format

    def row_bytes(self, columns):
        return columns * self.format.bits + 7 >> 3

    def read(self, memory, row, scales, column):
        bits = self.format.bits
        return self.format.decode(bits_at(memory, row * 8 + column * bits, bits))

    def write(self, memory, row, column, code):
        bits = self.format.bits
        set_bits(memory, row * 8 + column * bits, bits, code)


class MX:
    scaled = True

    def __init__(self, format, unit=Fraction(1)):
        self.format, self.unit = format, unit

    def row_bytes(self, columns):
        return -(-columns // 32) * 4 * self.format.bits

    def read(self, memory, row, scales, column):
        bits = self.format.bits
        element = self.format.decode(bits_at(memory, row * 8 + column * bits, bits))
        scale = e8m0(memory[scales + column // 32])
        return FP32.round(multiply(multiply(element, self.unit), scale))


class GGUF:
    scaled = False

    def __init__(self, bytes, element):
        self.bytes, self.element = bytes, element

    def row_bytes(self, columns):
        return -(-columns // 32) * self.bytes

    def read(self, memory, row, scales, column):
        block = row + column // 32 * self.bytes
        scale = FP16.decode(int.from_bytes(memory[block:block + 2], "little"))
        return FP32.round(multiply(self.element(memory[block + 2:block + self.bytes], column % 32), scale))


def q8(data, j):
    return INT8.decode(data[j])


def q4(data, j):
    return Fraction((data[j % 16] >> j // 16 * 4 & 15) - 8) or 0.0


TYPES = {
    10: Plain(FP32), 11: Plain(FP64), 16: Plain(TF32), 8: Plain(FP16), 9: Plain(BF16), 12: Plain(E4M3), 13: Plain(E5M2),
    17: Plain(E2M3), 18: Plain(E3M2), 19: Plain(E2M1),
    0: Plain(UINT8), 1: Plain(INT8), 5: Plain(INT32), 20: Plain(INT4),
    24: MX(E4M3), 25: MX(E5M2), 26: MX(E2M3), 27: MX(E3M2), 28: MX(E2M1), 29: MX(INT8, power2(-6)),
    30: GGUF(34, q8), 31: GGUF(18, q4),
}
