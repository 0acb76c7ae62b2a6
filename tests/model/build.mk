# SPDX-License-Identifier: MIT
# A second implementation, written from docs/ alone, against the device.

MODEL_TESTS := $(addprefix $(TOP)/tests/model/,numerics tensors refusals modelled_time)
HOST_TESTS += $(MODEL_TESTS)

$(MODEL_TESTS): | $(B)/bin/dsa-sim $(B)/tests/model/replay.elf $(B)/tests/model/spend.elf

$(B)/tests/model/%.elf: tests/model/%.c $(DSACC_DEPS) | $(HOST_READY)
	$(call say,DSACC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)tools/dsacc -o $@ $<
