# SPDX-License-Identifier: MIT
# The guest's init of dsa-vm: a static program, process 1 of the VM.

GUEST_INIT := $(B)/vm/guest-init
GUEST_INIT_OBJS := $(patsubst %,$(B)/obj/%.o,$(wildcard tools/vm/guest/*.c))

$(GUEST_INIT_OBJS): CPPFLAGS += -D_GNU_SOURCE
$(GUEST_INIT): $(GUEST_INIT_OBJS)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -static -o $@ $^

ALL += $(GUEST_INIT)

.PHONY: tools
tools: $(GUEST_INIT) ## dsa-vm's guest side and the tools that are compiled
