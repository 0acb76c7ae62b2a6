# SPDX-License-Identifier: MIT
"""Runs kernels of the library in dsa-sim, for the tests beside this file."""

import ctypes
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "tools"))
from tap import BUILD, Ran, run_tests

SIM = os.path.join(BUILD, "bin", "dsa-sim")
REF = ctypes.CDLL(os.path.join(BUILD, "tests", "kernels", "ref.so"))
DIR = tempfile.mkdtemp(prefix="kernels test ")
THREADS = (1, 2, 5)


def path(name):
    return os.path.join(DIR, name)


def sim(kernel, words, buffers, threads=2, device=()):
    """Runs launches; buffers are bytes (for reading), bytearray (also written) or a size. Returns the JSON."""
    command = [SIM, "--json", "--threads", str(threads), *device, os.path.join(BUILD, "kernels", kernel + ".elf")]
    for number, buffer in enumerate(buffers):
        if isinstance(buffer, int):
            command += ["--buf", f"zero:{buffer}"]
            continue
        with open(path(str(number)), "wb") as file:
            file.write(buffer)
        command += ["--buf", f"{'in' if isinstance(buffer, bytes) else 'inout'}:{path(str(number))}"]
    done = Ran([*command, *words]).ok()
    for number, buffer in enumerate(buffers):
        if isinstance(buffer, bytearray):
            with open(path(str(number)), "rb") as file:
                buffer[:] = file.read()
    return json.loads(done.out)


def launch(name, grid, *arguments):
    words = ["--fn", name, "--grid", str(grid)]
    for argument in arguments:
        words += ["--arg", argument]
    return words


def same_for_all_threads(kernel, words, buffers):
    """The written buffers, the same bits and the same modelled time for any number of threads."""
    results = []
    for threads in THREADS:
        copies = [bytearray(b) if isinstance(b, bytearray) else b for b in buffers]
        report = sim(kernel, words, copies, threads)
        results.append(([bytes(b) for b in copies if isinstance(b, bytearray)], report["modelled_ns"]))
    assert all(result == results[0] for result in results), f"{kernel}: depends on the threads"
    return [bytearray(b) for b in results[0][0]]


def run_and_clean(tests):
    try:
        run_tests(tests)
    finally:
        shutil.rmtree(DIR)
