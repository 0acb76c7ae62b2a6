# SPDX-License-Identifier: GPL-2.0
# The kernel module, built by the kernel's own build system. It works on links to the sources in a
# folder of its own, so that the source tree stays clean.

DRIVER_KO := $(B)/driver/dsa_accel.ko
DRIVER_SOURCES := $(wildcard driver/*.c driver/*.h driver/Kbuild include/hw/*.h include/uapi/drm/*.h)
DRIVER_TREE := $(BABS)/kbuild

# Debian's headers are fetched by set-up; those of KDIR= are there.
DRIVER_NEEDS := $(if $(filter $(BABS)/kernel/kdir,$(abspath $(KDIR))),$(B)/kernel/.ready)

