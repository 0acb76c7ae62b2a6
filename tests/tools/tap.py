# SPDX-License-Identifier: MIT
"""A little TAP for tests of command-line tools."""

import os
import subprocess
import sys
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.path.abspath(os.environ.get("B", os.path.join(TOP, "build")))


class Ran:
    """What a command did."""

    def __init__(self, words, **options):
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300,
                              stdin=subprocess.DEVNULL, **options)
        self.words, self.status = words, done.returncode
        self.out = done.stdout.decode(errors="replace")
        self.err = done.stderr.decode(errors="replace")

    def must(self, condition, what):
        if not condition:
            raise AssertionError(f"{what}\n{self.words}\nstatus {self.status}\n{self.out}\n{self.err}")

    def ok(self):
        self.must(self.status == 0, "should have succeeded")
        return self

    def fails(self, status, *texts):
        """Failed with the status, and said each of the texts."""
        self.must(self.status == status, f"status should be {status}")
        for text in texts:
            self.must(text in self.err, f"should say '{text}'")
        return self


def run_tests(tests):
    print("TAP version 13")
    print(f"1..{len(tests)}")
    failed = 0
    for number, test in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} {test.__name__}")
        except Exception:
            failed += 1
            for line in traceback.format_exc().splitlines():
                print("# " + line)
            print(f"not ok {number} {test.__name__}")
        sys.stdout.flush()
    sys.exit(1 if failed else 0)
