# SPDX-License-Identifier: MIT
# Tests of what the documentation promises; the README's boots a VM from the host.
HOST_TESTS += tests/docs/readme tests/docs/kernels

tests/docs/kernels: | $(B)/bin/dsa-sim
