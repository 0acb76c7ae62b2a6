# SPDX-License-Identifier: MIT
"""What Xdsa refuses: the tables of docs/xdsa.md. Functions give (code, address), or None."""

from math import prod
import struct

import matrix
import tensor
from tile import TYPES

MISALIGNED, TENSOR_MAP, TENSOR_OP, SCRATCHPAD, BARRIER, DEADLOCK, MATRIX_OP, CONVERT_OP = 15, 20, 21, 22, 23, 24, 25, 26
BASE, TENSOR_OP_FIELDS, TENSOR_MAP_FIELDS = 1 << 48, "<BBH5iQQQQQ", "<Q4Q5I5H5HBBBBB3B6hI3Q"
MATRIX_TAIL = "<HHHBBIIQ"


def outside(address, size, scratch_bytes, alignment=1):
    offset = address - BASE
    return address % alignment or not 0 <= offset <= scratch_bytes or size > scratch_bytes - offset


def tensor_start(at, op, map, scratch_bytes, barrier_is_one):
    """@op, @map: bytes of the descriptors, at @at and at the operation's global. Memory does not fault."""
    if at % 8:
        return MISALIGNED, at
    code, flags, ranks, *coord, target, spad, mbar, size, tail = struct.unpack(TENSOR_OP_FIELDS, op)
    bulk, listed = flags & tensor.BULK, flags & tensor.ROWS
    reduces = code in (tensor.ADD, tensor.MIN, tensor.MAX)
    if code > tensor.PREFETCH or flags > 7 or (bulk and listed) or (mbar and code != tensor.LOAD):
        return TENSOR_OP, at
    if (code != tensor.LOAD or ranks != 1) if flags & tensor.MULTICAST else ranks:  # alone in its cluster
        return TENSOR_OP, at
    if bulk and (reduces or not size or size % 16 or any(coord) or tail):
        return TENSOR_OP, at
    if (not size or size % 4) if listed else (not bulk and size):
        return TENSOR_OP, at
    line = 16
    if not bulk:
        if target % 8:
            return MISALIGNED, target
        if bad_map(map):
            return TENSOR_MAP, target
        rank, type, swizzle, im2col, box = map[80], map[81], map[83], map[84], list(struct.unpack_from("<5H", map, 60))
        if any(coord[rank:]) or (reduces and type not in tensor.REDUCTIONS):
            return TENSOR_OP, at
        if im2col and (listed or code not in (tensor.LOAD, tensor.PREFETCH) or tail >> 16 * (rank - 2)):
            return TENSOR_OP, at
        steps, last = struct.unpack_from("<5H", map, 70), rank - 1
        if listed and (rank < 2 or coord[last] or steps[last] != 1 or size // 4 > box[last]):
            return TENSOR_OP, at
        if not im2col and not listed and tail:
            return TENSOR_OP, at
        if listed:
            box[last], entries = size // 4, size
        size = prod(box[:2 if im2col else rank]) * tensor.SIZES[type]
        line = 16 << swizzle
    if code == tensor.PREFETCH:  # does not look at spad, but the box must fit
        if -(-size // line) * line > scratch_bytes:
            return SCRATCHPAD, spad
    elif outside(spad, -(-size // line) * line, scratch_bytes, 16 if line == 16 else line * 8):
        return SCRATCHPAD, spad
    if listed and tail % 4:
        return MISALIGNED, tail
    if listed and tail >= BASE and outside(tail, entries, scratch_bytes):
        return SCRATCHPAD, tail
    if code == tensor.LOAD:
        return mbarrier(mbar, scratch_bytes, barrier_is_one)
    return None


def bad_map(map):
    base, *rest = struct.unpack(TENSOR_MAP_FIELDS, map)
    strides, dims, box, steps = rest[:4], rest[4:9], rest[9:14], rest[14:19]
    rank, type, fill, swizzle, im2col = rest[19:24]
    lower, upper, reserved = rest[27:30], rest[30:33], rest[24:27] + rest[33:]
    if not 1 <= rank <= 5 or type not in tensor.SIZES or fill > 1 or swizzle > 3 or im2col > 1 or any(reserved):
        return True
    size, boxed, space = tensor.SIZES[type], 2 if im2col else rank, rank - 2 if im2col else 0
    if fill and type not in tensor.NANS:
        return True
    if any(not all(values[:n]) or any(values[n:]) for values, n in ((dims, rank), (steps, rank), (box, boxed))):
        return True
    if any(strides[rank - 1:]) or (im2col and (rank < 3 or steps[rank - 1] != 1)):
        return True
    if any(lower[max(space, 0):] + upper[max(space, 0):]) or any(dims[1 + i] + upper[i] <= lower[i] for i in range(space)):
        return True
    if base % size or any(stride % size for stride in strides):
        return True
    return base + sum((d - 1) * s for d, s in zip(dims, [size] + strides)) + size > BASE


def mbarrier(address, scratch_bytes, is_one):
    if outside(address, 64, scratch_bytes, 64):
        return SCRATCHPAD, address
    return None if is_one else (BARRIER, address)


def matrix_start(at, op, scratch_bytes):
    if at % 8:
        return MISALIGNED, at
    tiles = [struct.unpack_from("<QQIIBB3H", op, 32 * i) for i in range(4)]
    m, n, k, flags, reserved8, _, reserved32, seed = struct.unpack_from(MATRIX_TAIL, op, 128)
    if not all(1 <= size <= 256 for size in (m, n, k)) or flags > 3 or reserved8 or reserved32:
        return MATRIX_OP, at
    if seed and not flags & matrix.STOCHASTIC:
        return MATRIX_OP, at
    has_c = tiles[2][0] != 0
    if not has_c and any(tiles[2]):
        return MATRIX_OP, at
    types = [tile[4] for tile in tiles]
    if not any(types[0] in ab and types[1] in ab and (not has_c or types[2] in c) for ab, c in matrix.GROUPS):
        return MATRIX_OP, at
    if types[3] not in matrix.RESULTS:
        return MATRIX_OP, at
    wanted = []
    for number, (tile, shape) in enumerate(zip(tiles, ((m, k), (k, n), (m, n), (m, n)))):
        address, scales, pitch, scale_pitch, type, tile_flags, *reserved = tile
        if number == 2 and not has_c:
            continue
        if tile_flags > 1 or any(reserved) or bool(scales) != bool(scale_pitch) or (TYPES[type].scaled and not scales):
            return MATRIX_OP, at
        rows, columns = shape[::-1] if tile_flags else shape
        width = TYPES[type].row_bytes(columns)
        if number == 3 and rows > 1 and pitch < width:
            return MATRIX_OP, at
        wanted.append((address, (rows - 1) * pitch + width, 16))
        if TYPES[type].scaled:
            wanted.append((scales, (rows - 1) * scale_pitch + -(-columns // 32), 1))
    for address, size, alignment in wanted:
        if outside(address, size, scratch_bytes, alignment):
            return SCRATCHPAD, address
    return None


def convert_start(at, op, scratch_bytes):
    if at % 8:
        return MISALIGNED, at
    tiles = [struct.unpack_from("<QQIIBB3H", op, 32 * i) for i in range(2)]
    rows, columns, _, flags, *reserved, seed = struct.unpack_from("<IIIB3BQ", op, 64)
    if not rows or not columns or rows * columns > 1 << 20 or flags > 3 or any(reserved):
        return CONVERT_OP, at
    stochastic = flags & matrix.STOCHASTIC
    if seed and not stochastic or any(tile[4] not in TYPES or tile[5] or any(tile[6:]) for tile in tiles):
        return CONVERT_OP, at
    if stochastic and tiles[1][4] in (30, 31):
        return CONVERT_OP, at
    wanted = []
    for number, (address, scales, pitch, scale_pitch, type, *_) in enumerate(tiles):
        width, blocks = TYPES[type].row_bytes(columns), -(-columns // 32)
        if bool(scales) != bool(scale_pitch) or bool(scales) != TYPES[type].scaled:
            return CONVERT_OP, at
        if number and rows > 1 and (pitch < width or (scales and scale_pitch < blocks)):
            return CONVERT_OP, at
        wanted.append((address, (rows - 1) * pitch + width, 16))
        if scales:
            wanted.append((scales, (rows - 1) * scale_pitch + blocks, 1))
    for address, size, alignment in wanted:
        if outside(address, size, scratch_bytes, alignment):
            return SCRATCHPAD, address
    if tiles[1][1]:
        (first, size, _), (scales, scales_size, _) = wanted[-2:]
        if first < scales + scales_size and scales < first + size:
            return CONVERT_OP, at
    return None


def mbarrier_instruction(name, address, operand, words, scratch_bytes):
    """@words: the fields of the mbarrier at the start of the scratchpad."""
    if outside(address, 64, scratch_bytes, 64):
        return SCRATCHPAD, address
    magic, arrivals, pending, phase = words[:4]
    if name == "MBAR_INIT":
        return None if 1 <= operand <= 0xfffff else (BARRIER, address)
    if address != BASE or magic != 0x5241424d or not 1 <= arrivals <= 0xfffff or pending > arrivals:
        return BARRIER, address
    most = {"MBAR_ARRIVE": pending, "MBAR_EXPECT": scratch_bytes}.get(name)
    if most is not None and not 1 <= operand <= most:
        return BARRIER, address
    if name == "MBAR_WAIT" and phase & 1 == operand & 1:
        return DEADLOCK, address
    return None
