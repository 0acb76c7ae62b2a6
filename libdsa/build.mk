# SPDX-License-Identifier: MIT
# libdsa: the shared library, and a static one for tests of its inside.

LIBDSA_SRCS := $(wildcard libdsa/*.c)
LIBDSA_OBJS := $(LIBDSA_SRCS:%=$(B)/obj-pic/%.o)
LIBDSA_CPPFLAGS := -D_GNU_SOURCE -I$(TOP)/include/uapi -isystem /usr/include/libdrm

ALL += $(B)/lib/libdsa.so $(B)/lib/libdsa.a

$(LIBDSA_OBJS): CPPFLAGS += $(LIBDSA_CPPFLAGS)
$(LIBDSA_OBJS): CFLAGS += -pthread

# nodelete: threads of the library may be asleep in it when a program unloads it.
$(B)/lib/libdsa.so.1: $(LIBDSA_OBJS) libdsa/libdsa.map
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -shared -pthread -Wl,-soname,libdsa.so.1 -Wl,-z,defs,-z,relro,-z,now,-z,nodelete \
		-Wl,--version-script=libdsa/libdsa.map -o $@ $(LIBDSA_OBJS) -ldrm

$(B)/lib/libdsa.so: $(B)/lib/libdsa.so.1
	$(Q)ln -sf libdsa.so.1 $@

$(B)/lib/libdsa.a: $(LIBDSA_OBJS)
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

.PHONY: libdsa
libdsa: $(B)/lib/libdsa.so $(B)/lib/libdsa.a ## build the runtime library
