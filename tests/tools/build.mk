# SPDX-License-Identifier: MIT
# Tests of the command-line tools: scripts, dsa-smi's in the VM.

HOST_TESTS += $(TOP)/tests/tools/dsacc_test $(TOP)/tests/tools/make_test $(TOP)/tests/tools/dsa_vm
GUEST_TESTS += $(TOP)/tests/tools/dsa-smi_test
