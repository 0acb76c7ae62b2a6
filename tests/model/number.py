# SPDX-License-Identifier: MIT
"""Numbers, exactly: the formats of docs/numerics.md and conversion between them.

A number is a Fraction, or a float when it is a zero, an infinity or NaN.
"""

from fractions import Fraction
from math import copysign, inf, nan

MASK64 = (1 << 64) - 1


def sign_of(x):
    if isinstance(x, Fraction):
        return 1.0 if x > 0 else -1.0
    return copysign(1.0, x)


def multiply(a, b):
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a * b
    a, b = (x if isinstance(x, float) else sign_of(x) for x in (a, b))
    return a * b


def add(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return a + b
    if isinstance(a, float):
        a, b = b, a
    if isinstance(b, float):
        return b if b else a
    return a + b or 0.0


def random32(seed, counter):
    z = seed + (counter + 1) * 0x9e3779b97f4a7c15 & MASK64
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & MASK64
    z = (z ^ z >> 27) * 0x94d049bb133111eb & MASK64
    return (z ^ z >> 31) >> 32


def rounded(x, random):
    """A Fraction >= 0 to an integer: nearest, ties to even, or by 32 random bits."""
    low, rest = divmod(x.numerator, x.denominator)
    if random is None:
        up = 2 * rest > x.denominator or (2 * rest == x.denominator and low & 1)
    else:
        up = (rest << 32) // x.denominator + random >= 1 << 32
    return low + bool(up)


def exponent(x):
    """floor(log2(x)) of a Fraction > 0."""
    e = x.numerator.bit_length() - x.denominator.bit_length()
    return e if x >= power2(e) else e - 1


def power2(e):
    return Fraction(1 << e) if e >= 0 else Fraction(1, 1 << -e)


class Float:
    """A binary format. @specials: "ieee", "nan" (e4m3: all ones) or None."""

    def __init__(self, exponent_bits, fraction_bits, bias, specials, nan_bits, pad=0):
        self.exponent_bits, self.fraction_bits, self.bias = exponent_bits, fraction_bits, bias
        self.specials, self.nan_bits, self.pad = specials, nan_bits, pad
        self.bits = 1 + exponent_bits + fraction_bits + pad
        top = (1 << exponent_bits + fraction_bits) - 1
        self.infinity = top - (1 << fraction_bits) + 1
        self.largest = {"ieee": self.infinity - 1, "nan": top - 1, None: top}[specials]
        self.limit = self.magnitude(self.largest)
        if specials is None:
            self.nan_bits = self.largest

    def magnitude(self, code):
        field, fraction = code >> self.fraction_bits, code & (1 << self.fraction_bits) - 1
        if field:
            fraction += 1 << self.fraction_bits
        return fraction * power2(max(field, 1) - self.bias - self.fraction_bits)

    def decode(self, bits):
        if self.pad:  # tf32: an fp32 in memory, rounded when it is read
            return self.round(FP32.decode(bits))
        code = bits & (1 << self.bits - 1) - 1
        sign = -1 if bits >> self.bits - 1 else 1
        if self.specials == "ieee" and code >= self.infinity:
            return sign * inf if code == self.infinity else nan
        if code > self.largest:
            return nan
        return sign * self.magnitude(code) or sign * 0.0

    def encode(self, x, saturate=False, random=None):
        return self.code(x, saturate, random) << self.pad if x == x else self.nan_bits

    def code(self, x, saturate, random):
        sign = (sign_of(x) < 0) << self.bits - self.pad - 1
        if isinstance(x, float):
            return self.overflow(sign, saturate) if x else sign
        x = abs(x)
        e = max(exponent(x), 1 - self.bias)
        count = rounded(x * power2(self.fraction_bits - e), random)
        if count * power2(e - self.fraction_bits) > self.limit:
            return self.overflow(sign, saturate)
        return sign | (e + self.bias - 1 << self.fraction_bits) + count

    def overflow(self, sign, saturate):
        if saturate or self.specials is None:
            return sign | self.largest
        return sign | self.infinity if self.specials == "ieee" else self.nan_bits

    def round(self, x):
        """The nearest number of the format, as a number."""
        if isinstance(x, float):
            return x
        e = max(exponent(abs(x)), 1 - self.bias)
        unit = power2(e - self.fraction_bits)
        value = rounded(abs(x) / unit, None) * unit
        if value > self.limit:
            return sign_of(x) * inf
        return (value if x > 0 else -value) or sign_of(x) * 0.0


class Integer:
    def __init__(self, bits, signed):
        self.bits, self.signed = bits, signed
        self.low = -(1 << bits - 1) if signed else 0
        self.high = self.low + (1 << bits) - 1

    def decode(self, bits):
        return Fraction(bits - (1 << self.bits) if self.signed and bits >> self.bits - 1 else bits) or 0.0

    def encode(self, x, saturate=False, random=None):
        if x != x:
            return 0
        if isinstance(x, float):
            count = 0 if not x else self.high if x > 0 else self.low
        else:
            count = rounded(abs(x), random) * (1 if x > 0 else -1)
        return min(max(count, self.low), self.high) & (1 << self.bits) - 1


def e8m0(bits):
    return nan if bits == 0xff else power2(bits - 127)


FP64 = Float(11, 52, 1023, "ieee", 0x7ff8000000000000)
FP32 = Float(8, 23, 127, "ieee", 0x7fc00000)
TF32 = Float(8, 10, 127, "ieee", 0x7fc00000, pad=13)
FP16 = Float(5, 10, 15, "ieee", 0x7e00)
BF16 = Float(8, 7, 127, "ieee", 0x7fc0)
E4M3 = Float(4, 3, 7, "nan", 0x7f)
E5M2 = Float(5, 2, 15, "ieee", 0x7f)
E2M3 = Float(2, 3, 1, None, None)
E3M2 = Float(3, 2, 3, None, None)
E2M1 = Float(2, 1, 1, None, None)
INT32, INT8, INT4, UINT8 = Integer(32, True), Integer(8, True), Integer(4, True), Integer(8, False)
