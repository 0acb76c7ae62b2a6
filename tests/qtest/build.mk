# SPDX-License-Identifier: MIT
# Tests of the PCIe device on QEMU, without a guest.

QT := tests/qtest
QT_LIB := $(addprefix $(B)/obj/$(QT)/,tap.c.o qts.c.o dev.c.o)
QT_TESTS := test_pci test_ring test_reset test_migrate test_pace test_fault
QT_BINS := $(addprefix $(B)/tests/qtest/,$(QT_TESTS))

$(QT_BINS): $(B)/tests/qtest/%: $(B)/obj/$(QT)/%.c.o $(QT_LIB)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

OBJS += $(QT_LIB) $(QT_TESTS:%=$(B)/obj/$(QT)/%.c.o)
QTESTS += $(QT_BINS)
