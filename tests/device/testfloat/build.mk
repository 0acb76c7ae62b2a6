# SPDX-License-Identifier: MIT
# Berkeley TestFloat's generator with RISC-V's choices, out of QEMU's source package.
ifndef TESTFLOAT

TESTFLOAT := tests/device/testfloat/testfloat
TESTFLOAT_OUT := $(B)/testfloat
TESTFLOAT_MAKE := env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL $(MAKE) -s -j2 -C
TESTFLOAT_GEN := $(TESTFLOAT_OUT)/berkeley-testfloat-3/build/Linux-x86_64-GCC/testfloat_gen

# Their makefiles write beside the sources, so on a copy.
$(TESTFLOAT_OUT)/.ready: | $(B)/qemu/.source
	$(call say,BUILD,$@)
	$(Q)rm -rf $(@D) && mkdir -p $(@D) && cp -r $(B)/qemu/src/subprojects/berkeley-{softfloat,testfloat}-3 $(@D)/
	$(Q)$(TESTFLOAT_MAKE) $(@D)/berkeley-softfloat-3/build/Linux-x86_64-GCC SPECIALIZE_TYPE=RISCV softfloat.a
	$(Q)$(TESTFLOAT_MAKE) $(dir $(TESTFLOAT_GEN)) testfloat_gen
	$(Q)touch $@

$(TOP)/$(TESTFLOAT): | $(TESTFLOAT_OUT)/.ready $(B)/bin/dsa-sim
HOST_TESTS += $(TOP)/$(TESTFLOAT)
CLEAN += $(TESTFLOAT_OUT)

endif
