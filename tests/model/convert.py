# SPDX-License-Identifier: MIT
"""The conversion unit of docs/xdsa.md."""

from dataclasses import dataclass
import struct

from matrix import SATURATE, STOCHASTIC, Tile, times
from number import FP32, FP64, random32
from tile import TYPES, Plain

WIDE = {11, 5}  # types whose products with the scale are fp64


@dataclass
class Operation:
    """A struct dsa_convert_op."""
    src: Tile
    dst: Tile
    rows: int
    cols: int
    flags: int = 0
    scale: int = 0x3f800000  # fp32
    seed: int = 0

    def pack(self, base):
        return self.src.pack(base) + self.dst.pack(base) + struct.pack("<IIIB3xQ", self.rows, self.cols, self.scale, self.flags,
                                                                       self.seed)

    def moved(self):
        """Bytes that the unit is charged for."""
        return self.rows * max(row_bytes(tile.type, self.cols) for tile in (self.src, self.dst))


def row_bytes(type, columns):
    kind = TYPES[type]
    return kind.row_bytes(columns) + (-(-columns // 32) if kind.scaled else 0)


def execute(op, memory):
    values = op.src.read(memory, op.rows, op.cols)
    kind = TYPES[op.dst.type]
    for i, row_values in enumerate(values):
        row, scales, _ = op.dst.place(i, 0)
        row_values = [times(value, op.scale, FP64 if op.src.type in WIDE else FP32) for value in row_values]
        randoms = [random32(op.seed, i * op.cols + j) if op.flags & STOCHASTIC else None for j in range(op.cols)]
        if isinstance(kind, Plain):
            for j, (value, random) in enumerate(zip(row_values, randoms)):
                kind.write(memory, row, j, kind.format.encode(value, bool(op.flags & SATURATE), random))
            continue
        row_values = [FP32.round(value) for value in row_values]
        for block in range(-(-op.cols // 32)):
            part = slice(32 * block, 32 * block + 32)
            kind.write_block(memory, row, scales, block, row_values[part], randoms[part])

