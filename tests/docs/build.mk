# SPDX-License-Identifier: MIT
# Tests of what the documentation promises; they boot a VM from the host.
HOST_TESTS += tests/docs/readme
