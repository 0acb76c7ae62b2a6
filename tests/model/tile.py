# SPDX-License-Identifier: MIT
"""Tiles of a matrix in the scratchpad: types, packing and blocks of docs/numerics.md."""

from fractions import Fraction
from math import floor, isfinite, isnan

from number import (BF16, E2M1, E2M3, E3M2, E4M3, E5M2, FP16, FP32, FP64, INT32, INT4, INT8, TF32, UINT8, add, e8m0,
                    exponent, multiply, power2)


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


def finite(values):
    return all(isinstance(v, Fraction) or isfinite(v) for v in values)


class MX:
    scaled = True

    def __init__(self, format, largest, unit=Fraction(1)):
        self.format, self.largest, self.unit = format, largest, unit  # exponent of the largest number

    def row_bytes(self, columns):
        return -(-columns // 32) * 4 * self.format.bits

    def read(self, memory, row, scales, column):
        bits = self.format.bits
        element = self.format.decode(bits_at(memory, row * 8 + column * bits, bits))
        scale = e8m0(memory[scales + column // 32])
        return FP32.round(multiply(multiply(element, self.unit), scale))

    def write_block(self, memory, row, scales, block, values, randoms):
        """@values: fp32, at most 32; the rest of the block becomes zeros. @randoms: a number each, or None."""
        bits = self.format.bits
        first = row * 8 + block * 32 * bits
        set_bits(memory, first, 32 * bits, 0)
        if not finite(values):
            memory[scales + block] = 0xff
            return
        most = max(map(abs, values))
        e = max(exponent(most) - self.largest, -127) if most else -127
        memory[scales + block] = e + 127
        for j, (value, random) in enumerate(zip(values, randoms)):
            code = self.format.encode(multiply(value, 1 / (power2(e) * self.unit)), True, random)
            set_bits(memory, first + j * bits, bits, code)


class GGUF:
    scaled = False

    def __init__(self, bytes, element, quantize):
        self.bytes, self.element, self.quantize = bytes, element, quantize

    def row_bytes(self, columns):
        return -(-columns // 32) * self.bytes

    def read(self, memory, row, scales, column):
        block = row + column // 32 * self.bytes
        scale = FP16.decode(int.from_bytes(memory[block:block + 2], "little"))
        return FP32.round(multiply(self.element(memory[block + 2:block + self.bytes], column % 32), scale))

    def write_block(self, memory, row, scales, block, values, randoms):
        d, data = self.quantize(list(values) + [0.0] * (32 - len(values))) if finite(values) else (
            float("nan"), bytes(self.bytes - 2))
        place = row + block * self.bytes
        memory[place:place + self.bytes] = FP16.encode(d).to_bytes(2, "little") + data


def fp32_quotient(a, b):
    """Of numbers of which @b is not zero."""
    return FP32.round(a / b) if a else a if b > 0 else -a


def scaled_by(values, d):
    r = fp32_quotient(Fraction(1), d) if d else 0.0
    return [FP32.round(multiply(v, r)) for v in values]


def quantize_q8(values):
    d = fp32_quotient(max(map(abs, values)), 127)
    return d, bytes(q8_code(x) & 0xff for x in scaled_by(values, d))


def q8_code(x):
    if isnan(x):
        return 0
    whole = floor(abs(x) + Fraction(1, 2)) if abs(x) < 127 else 127
    return whole if x > 0 else -whole


def quantize_q4(values):
    most = max(map(abs, values))
    d = fp32_quotient(next(v for v in values if abs(v) == most) if most else 0.0, -8)
    codes = [q4_code(FP32.round(add(x, Fraction(17, 2)))) for x in scaled_by(values, d)]
    return d, bytes(low | high << 4 for low, high in zip(codes[:16], codes[16:]))


def q4_code(x):
    if isnan(x):
        return 8
    return int(min(max(x, 0), 15))


def q8(data, j):
    return INT8.decode(data[j])


def q4(data, j):
    return Fraction((data[j % 16] >> j // 16 * 4 & 15) - 8) or 0.0


TYPES = {
    10: Plain(FP32), 11: Plain(FP64), 16: Plain(TF32), 8: Plain(FP16), 9: Plain(BF16), 12: Plain(E4M3), 13: Plain(E5M2),
    17: Plain(E2M3), 18: Plain(E3M2), 19: Plain(E2M1),
    0: Plain(UINT8), 1: Plain(INT8), 5: Plain(INT32), 20: Plain(INT4),
    24: MX(E4M3, 8), 25: MX(E5M2, 15), 26: MX(E2M3, 2), 27: MX(E3M2, 4), 28: MX(E2M1, 2), 29: MX(INT8, 0, power2(-6)),
    30: GGUF(34, q8, quantize_q8), 31: GGUF(18, q4, quantize_q4),
}
