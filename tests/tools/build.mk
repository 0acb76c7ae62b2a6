# SPDX-License-Identifier: MIT
# Tests of the command-line tools: scripts, dsa-smi's in the VM. dsa-sim's wants dsa-sim, twice.

HOST_TESTS += $(addprefix $(TOP)/tests/tools/,dsacc_test make_test dsa_vm dsa_sim dsa_sim_suites coredump_test)
GUEST_TESTS += $(TOP)/tests/tools/dsa-smi_test

$(TOP)/tests/tools/coredump_test: | $(B)/bin/dsa-smi
$(TOP)/tests/tools/dsa_sim $(TOP)/tests/tools/dsa_sim_suites: | $(B)/bin/dsa-sim $(B)/tests/tools/dsa-sim-asan
