# SPDX-License-Identifier: MIT
# Tests of the command-line tools: scripts, dsa-smi's in the VM.

HOST_TESTS += $(TOP)/tests/tools/dsacc_test
GUEST_TESTS += $(TOP)/tests/tools/dsa-smi_test
