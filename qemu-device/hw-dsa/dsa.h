/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QEMU PCIe device "dsa": a shell around the device core.
 */
#ifndef HW_DSA_H
#define HW_DSA_H

#include "hw/pci/pci_device.h"
#include "migration/vmstate.h"
#include "qom/object.h"
#include "system/hostmem.h"

#include "core/dsa_core.h"
#include "dsa-workers.h"
#include "include/hw/dsa_regs.h"

/* QEMU itself is built without -Werror; our part is not. */
#pragma GCC diagnostic error "-Wall"
#pragma GCC diagnostic error "-Wextra"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic error "-Wimplicit-function-declaration"
#pragma GCC diagnostic error "-Wint-conversion"

#define TYPE_DSA "dsa"
OBJECT_DECLARE_SIMPLE_TYPE(DSAState, DSA)

struct DSAState {
    PCIDevice parent_obj;

    MemoryRegion regs;     /* BAR0 */
    MemoryRegion own_hbm;  /* without memdev */
    MemoryRegion doorbell; /* BAR4; MSI-X lies over it */
    MemoryRegion *hbm;     /* in BAR2: */
    MemoryRegion bar_hbm;
    MemoryRegion gone_hbm; /* over BAR2 while the link is down */
    MemoryRegion gone_doorbell; /* the same over BAR4 */

    struct dsa_core *core;
    DSAWorkers *pool;
    VMChangeStateEntry *vm_state;

    /* BQL */
    bool dma_on;        /* bus mastering, and in D0 */
    bool link_down;       /* what the BARs and configuration space show */
    bool reset_keeps_hbm;
    bool temperature_set;
    int32_t temperature; /* millidegrees, until the core exists */

    /* Properties, fixed at realize */
    uint64_t hbm_size;
    HostMemoryBackend *memdev;
    uint64_t scratchpad_size;
    uint64_t serial;
    uint32_t cores;
    uint32_t copy_engines;
    uint32_t vlen;
    uint32_t workers;
    char *preset;
    uint32_t core_clock_khz;
    uint32_t matrix_macs;
    uint32_t hbm_bandwidth;
    uint32_t bus_bandwidth;
    char *pace;
    struct dsa_cost cost;
    uint32_t cost_set; /* bitmap of its fields: given by the user */
};

/* Tells the core whether DMA works now: bus master enable and power state. */
void dsa_update_dma(DSAState *s);
/* Makes BARs and configuration space show whether the link is down. */
void dsa_update_link(DSAState *s);

extern const VMStateDescription vmstate_dsa;

#endif
