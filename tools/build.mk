# SPDX-License-Identifier: MIT
# Tools that are compiled; the others are scripts and run from where they are.

# What dsacc's output depends on besides its input.
DSACC_DEPS := tools/dsacc $(wildcard libdsa/devrt/*) include/dsa/kernel.h include/uapi/dsa_cmd.h

ALL += $(B)/bin/dsa-smi

SMI_OBJ := $(patsubst %.c,$(B)/obj/%.c.o,$(wildcard tools/smi/*.c))

$(SMI_OBJ): CPPFLAGS += -D_GNU_SOURCE
$(B)/bin/dsa-smi: $(SMI_OBJ) | $(B)/lib/libdsa.so
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -L$(B)/lib -ldsa -Wl,-rpath,'$$ORIGIN/../lib'

.PHONY: dsa-smi
dsa-smi: $(B)/bin/dsa-smi

include tools/sim/build.mk
