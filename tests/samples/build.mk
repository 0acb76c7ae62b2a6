# SPDX-License-Identifier: MIT
# The samples as tests, in the VM.

GUEST_TESTS += $(TOP)/tests/samples/samples
