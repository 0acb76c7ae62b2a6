# SPDX-License-Identifier: MIT
# make install: libdsa with its headers and dsa.pc, the tools, the module, and what dsa-vm boots. Somebody else's QEMU
# is linked to, for its firmware is near it; the modules of somebody else's kernel stay in /lib/modules.

I := $(DESTDIR)$(PREFIX)
INSTALL_PROGRAMS := tools/dsacc tools/dsa-vm

.PHONY: install
install: $(ALL) ## install libdsa, headers, tools and the module (PREFIX=, DESTDIR=)
	$(call say,INSTALL,$(I))
	$(Q)install -d $(I)/bin $(I)/lib/pkgconfig $(I)/lib/dsa/vm $(I)/include/dsa \
		$(I)/include/drm $(I)/share/dsa/devrt $(I)/lib/dsa/kernels $(I)/include/dsa/kernels
	$(Q)install -m 755 $(INSTALL_PROGRAMS) $(wildcard $(B)/bin/*) $(I)/bin/
	$(Q)install -m 755 $(B)/lib/libdsa.so.1 $(I)/lib/
	$(Q)ln -sf libdsa.so.1 $(I)/lib/libdsa.so
	$(Q)install -m 644 $(B)/lib/libdsa.a $(I)/lib/
	$(Q)install -m 644 include/dsa/*.h $(I)/include/dsa/
	$(Q)install -m 644 include/uapi/dsa_cmd.h $(I)/include/dsa/
	$(Q)install -m 644 include/uapi/drm/dsa_accel.h $(I)/include/drm/
	$(Q)install -m 644 libdsa/devrt/* $(I)/share/dsa/devrt/
	$(Q)install -m 644 $(KERNEL_ELFS) $(I)/lib/dsa/kernels/
	$(Q)install -m 644 libdsa/kernels/*.h $(I)/include/dsa/kernels/
	$(Q)sed 's|@PREFIX@|$(PREFIX)|' libdsa/dsa.pc.in >$(I)/lib/pkgconfig/dsa.pc
	$(Q)install -m 644 $(B)/driver/dsa_accel.ko $(I)/lib/dsa/
	$(Q)rm -rf $(I)/lib/dsa/qemu-system-x86_64 $(I)/lib/dsa/bios $(I)/lib/dsa/modules
	$(if $(call ours,$(QEMU)),$(Q)install -d $(I)/lib/dsa/bios)
	$(if $(call ours,$(QEMU)),$(Q)install -m 644 $(B)/qemu/bios/* $(I)/lib/dsa/bios/)
	$(Q)$(if $(call ours,$(QEMU)),install -m 755,ln -s) $(QEMU) $(I)/lib/dsa/qemu-system-x86_64
	$(Q)install -m 644 $(KERNEL) $(I)/lib/dsa/vmlinuz
	$(Q)install -m 644 tools/vm/*.py $(I)/lib/dsa/vm/
	$(Q)install -m 755 $(GUEST_INIT) $(I)/lib/dsa/vm/
	$(if $(call ours,$(KERNEL)),$(Q)tools/vm/copy-modules $(B)/kernel/modules/lib/modules/*/ $(I)/lib/dsa/modules)
	$(if $(DESTDIR),,$(Q)[ "$$(id -u)" != 0 ] || ldconfig)
