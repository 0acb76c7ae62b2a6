# SPDX-License-Identifier: MIT
# The virtual DSA: everything from a fresh Debian machine to tests in the VM. See `make help`.
#
# One non-recursive make. This file has the tools, the common rules and the commands for people; each
# area says what it builds in its own build.mk, which appends to the lists below. All results are
# below $(B).

B ?= build
TOP := $(CURDIR)
BABS := $(abspath $(B))

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

# The system's tools come first, also where a version manager has put its own into PATH.
export PATH := /usr/bin:/bin:/usr/sbin:/sbin:$(PATH)
SHELL := /bin/bash

V ?= 0
Q := $(if $(filter 0,$(V)),@)
# $(call say,WHAT,FILE): a line of progress.
say = $(if $(filter 0,$(V)),@printf '  %-7s %s\n' '$(1)' '$(patsubst $(BABS)/%,$(B)/%,$(2))')

CC := gcc
AR := ar
CLANG := clang-19
LLD := ld.lld-19
CPPFLAGS := -I$(TOP)/include
CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -fno-strict-aliasing
LDFLAGS :=
LDLIBS :=
SANITIZE_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

PREFIX ?= /usr/local
DESTDIR ?=

# Other people's pieces instead of Debian's: KDIR= headers to build the driver against, KERNEL= image
# to boot, QEMU= a qemu-system-x86_64 with the device.
override KDIR := $(abspath $(or $(KDIR),$(BABS)/kernel/kdir))
override KERNEL := $(abspath $(or $(KERNEL),$(BABS)/kernel/vmlinuz))
override QEMU := $(abspath $(or $(QEMU),$(BABS)/qemu/qemu-system-x86_64))
export B KDIR KERNEL QEMU
# $(call ours,FILE): FILE when this build makes it, nothing when it is somebody else's.
ours = $(filter $(BABS)/%,$(abspath $(1)))

# What the areas append to.
ALL :=
HOST_TESTS :=
QTESTS :=
GUEST_TESTS :=
BENCHES :=
CLEAN :=
OBJS :=

# Compilations wait for the host's packages, once.
HOST_READY := $(B)/.host-run

AREAS := tools/setup tools/vm driver qemu-device libdsa tools libdsa/kernels samples tests
include $(wildcard $(AREAS:%=%/build.mk) samples/*/build.mk tests/*/build.mk tests/*/*/build.mk)

##@ Everyday
.PHONY: all
all: $(ALL) ## build everything
	@printf '  %-7s %s\n' READY 'make run, make test, make shell'

.PHONY: run
run: $(ALL) ## build what is missing, boot the VM, run the main sample, power off
	$(call say,BOOT,VM)
	$(Q)tools/dsa-vm --timeout 300 --strict-log -- \
		sh -ec '$(B)/bin/dsa-smi; $(B)/samples/histogram' </dev/null

.PHONY: shell
shell: $(ALL) ## a prompt in the VM, the driver loaded
	$(Q)tools/dsa-vm shell

.PHONY: test
test: $(B)/.host-test $(ALL) $(HOST_TESTS) $(QTESTS) $(GUEST_TESTS) ## every test there is, one summary at the end
	$(Q)tests/run --host '$(HOST_TESTS)' --qtest '$(QTESTS)' --guest '$(GUEST_TESTS)'

.PHONY: bench
bench: $(ALL) $(BENCHES) ## figures as a table and in build/bench.json (ONLY=name,... for some)
	$(Q)tests/bench/run --out $(B)/bench.json $(if $(ONLY),--only '$(ONLY)')

.PHONY: check
check: $(B)/.host-check $(B)/kernel/.ready $(B)/kernel/selftests/.ready ## style and static checks of the whole tree
	$(Q)tests/check/run

.PHONY: format
format: $(B)/.host-check ## lay out the C that .clang-format decides about
	$(Q)git ls-files -z '*.c' '*.h' ':!driver' ':!qemu-device/hw-dsa' ':!include/uapi/drm' \
		| xargs -0 clang-format-19 -i

.PHONY: docs
docs: $(B)/kernel/.ready ## write docs/uapi.md anew from the comments of the UAPI header
	$(call say,GEN,docs/uapi.md)
	$(Q)tools/uapi-doc $(B)/kernel/kdir/scripts/kernel-doc include/uapi/drm/dsa_accel.h >docs/uapi.md.new
	$(Q)mv docs/uapi.md.new docs/uapi.md

include tools/setup/install.mk

##@ Housekeeping
.PHONY: compile_commands.json
compile_commands.json: $(ALL) ## for editors and clangd
	$(call say,GEN,$@)
	$(Q)$(MAKE) -Bn V=1 Q= $(filter-out $(B)/qemu/% $(B)/kernel/% $(B)/driver/dsa_accel.ko,$(ALL)) $(HOST_TESTS) $(QTESTS) $(GUEST_TESTS) \
		| tools/setup/compile-commands >$@.new && mv $@.new $@

.PHONY: clean
clean: ## remove what was compiled; keep what set-up fetched and the built QEMU
	$(call say,CLEAN,$(B))
	$(Q)rm -rf $(B)/test-logs $(B)/obj $(B)/lib $(B)/bin $(B)/samples $(B)/tests $(B)/driver $(B)/kbuild $(B)/vm \
		$(B)/bench.json compile_commands.json $(CLEAN)

.PHONY: distclean
distclean: clean ## remove build/ altogether
	$(Q)rm -rf $(B)

.PHONY: help
help: ## this text
	@awk -f tools/setup/help.awk $(MAKEFILE_LIST)

# Common rules ------------------------------------------------------------------------------------
# An object per source, found at $(B)/obj/<source path>.o; flags of one target by target-specific
# variables (CPPFLAGS, CFLAGS), which its objects inherit.
$(B)/obj/%.c.o: %.c | $(HOST_READY)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The same with ASan and UBSan, at $(B)/obj-asan/...; and position-independent at $(B)/obj-pic/...
$(B)/obj-asan/%.c.o: %.c | $(HOST_READY)
	$(call say,CC-ASAN,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(SANITIZE_FLAGS) -MMD -MP -c -o $@ $<

$(B)/obj-pic/%.c.o: %.c | $(HOST_READY)
	$(call say,CC-PIC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<

# Dependencies as of the last compilation. Without it, the objects are built from scratch anyway.
-include $(shell find $(B)/obj $(B)/obj-asan $(B)/obj-pic -name '*.d' 2>/dev/null)
