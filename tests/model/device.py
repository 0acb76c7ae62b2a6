# SPDX-License-Identifier: MIT
"""What the device does with a list of instructions: replay.c in dsa-sim."""

from dataclasses import dataclass
import json
import os
import shutil
import struct
import subprocess
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.path.abspath(os.environ.get("B", os.path.join(TOP, "build")))
SIM = os.path.join(BUILD, "bin", "dsa-sim")
REPLAY = os.path.join(BUILD, "tests", "model", "replay.elf")
SCRATCHPAD = 1 << 48
VA = 0x1000000000  # where dsa-sim puts the first buffer
HEADER, STEP = struct.Struct("<6Q"), struct.Struct("<8Q")
INSTRUCTIONS = """TENSOR_START TENSOR_DRAIN MATRIX_START MATRIX_WAIT MATRIX_ARRIVE CONVERT_START CONVERT_WAIT MBAR_INIT MBAR_ARRIVE MBAR_EXPECT MBAR_TEST MBAR_WAIT
CLOCK_NS CYCLES TIME NOTHING ADD VSETVLI VADD VWADD VREDSUM VMAND VMV_X_S VLE8 VLE64 VSE32 VMV2R VLSE8_STRIDE VLUXEI16 VLE32FF VLSEG2E32 VL2RE8 VLM VLE8_MASKED
FADD_H FADD_BF16 FADD_S FADD_D FMIN_H FMIN_BF16 FMIN_S FMIN_D FMAX_H FMAX_BF16 FMAX_S FMAX_D""".split()


@dataclass
class Step:
    """An instruction that was executed: the clock around it, instructions before it, its result."""
    name: str
    before: int
    after: int
    instructions: int
    result: int


class Arena:
    """The one buffer: whatever the instructions need, and the instructions."""

    def __init__(self, scratch=b""):
        self.data = bytearray(HEADER.size)
        self.relocations = []
        self.steps = []
        self.scratch = self.place(scratch, 64)
        self.scratch_bytes = len(scratch)

    def place(self, data, alignment=8):
        self.data += bytes(-len(self.data) % alignment)
        self.data += data
        return len(self.data) - len(data)

    def relocate(self, offset):
        """The word there is an offset in the arena: to be an address."""
        self.relocations.append(offset)

    def step(self, name, a=0, b=0, in_arena=False):
        self.steps.append((name, a, b, in_arena))

    def start(self, name, op):
        """An operation on tiles: MATRIX_START, CONVERT_START."""
        self.step(name, self.place(op.pack(SCRATCHPAD)), in_arena=True)

    def tensor_start(self, packed, in_arena=True, rows_in_arena=False):
        place = self.place(packed)
        if in_arena:
            self.relocate(place + 24)
        if rows_in_arena:
            self.relocate(place + 56)
        self.step("TENSOR_START", place, in_arena=True)

    def map(self, map):
        place = self.place(map.pack())
        self.relocate(place)
        return place

    def finish(self):
        steps = self.place(b"")
        for name, a, b, in_arena in self.steps:
            place = self.place(STEP.pack(INSTRUCTIONS.index(name), a, b, 0, 0, 0, 0, 0))
            if in_arena:
                self.relocate(place + 8)
        relocations = self.place(struct.pack(f"<{len(self.relocations)}Q", *self.relocations))
        HEADER.pack_into(self.data, 0, relocations, len(self.relocations), steps, len(self.steps), self.scratch,
                         self.scratch_bytes)
        return steps


@dataclass
class Result:
    report: dict
    data: bytearray
    scratch: bytearray
    steps: list

    @property
    def fault(self):
        return self.report.get("fault")


def run(arena, *options, scratch=None):
    """Replays the arena on the device. The report of dsa-sim, memory and scratchpad afterwards, the steps."""
    steps = arena.finish()
    folder = tempfile.mkdtemp(prefix="dsa-model-")
    try:
        path = os.path.join(folder, "arena")
        with open(path, "wb") as file:
            file.write(arena.data)
        scratch = str(arena.scratch_bytes if scratch is None else scratch)
        done = subprocess.run([SIM, "--json", "--threads", "1", *options, REPLAY, "--scratch", scratch, "--buf",
                               "inout:" + path, "--arg", "buf:0"], capture_output=True, timeout=300)
        if not done.stdout:
            raise RuntimeError(done.stderr.decode())
        with open(path, "rb") as file:
            data = bytearray(file.read())
    finally:
        shutil.rmtree(folder)
    seen = []
    for number, (name, *_) in enumerate(arena.steps):
        words = STEP.unpack_from(data, steps + number * STEP.size)
        seen.append(Step(name, *words[3:7]))
    return Result(json.loads(done.stdout), data, data[arena.scratch:arena.scratch + arena.scratch_bytes], seen)
