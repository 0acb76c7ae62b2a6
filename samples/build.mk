# SPDX-License-Identifier: MIT
# Samples: each a folder with main.c, and kernel.c unless it only asks.

SAMPLES := device_info histogram matmul vector_add
SAMPLE_BINS := $(SAMPLES:%=$(B)/samples/%)

ALL += $(SAMPLE_BINS)

$(B)/obj/samples/%/kernel.o: samples/%/kernel.c $(DSACC_DEPS) | $(HOST_READY)
	$(call say,DSACC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)tools/dsacc -c --name $* -Wextra -Werror -o $@ $<

define sample_rules
$(B)/samples/$(1): $(B)/obj/samples/$(1)/main.c.o \
	$(if $(wildcard samples/$(1)/kernel.c),$(B)/obj/samples/$(1)/kernel.o) | $(B)/lib/libdsa.so
endef
$(foreach s,$(SAMPLES),$(eval $(call sample_rules,$(s))))

# A program finds the library beside it, in the build tree as when installed.
$(SAMPLE_BINS):
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -L$(B)/lib -ldsa -lm -Wl,-rpath,'$$ORIGIN/../lib'

.PHONY: samples
samples: $(SAMPLE_BINS) ## build the samples
