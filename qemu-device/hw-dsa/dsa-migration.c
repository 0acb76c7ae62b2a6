/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migration and snapshots: PCI state, MSI-X, and the core's own save format as
 * one bounded block. HBM travels as RAM. The VM is stopped meanwhile, so the
 * workers are paused.
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/units.h"
#include "hw/pci/msix.h"
#include "hw/pci/pcie_aer.h"
#include "migration/qemu-file-types.h"
#include "migration/vmstate.h"

#include "dsa.h"
#include "trace.h"

/* No honest state is larger: scratchpads, queues, registers and launches. */
static uint64_t dsa_state_limit(DSAState *s)
{
    return 64 * MiB + s->cores * (s->scratchpad_size + 1 * MiB);
}

static int dsa_put_core(QEMUFile *f, void *pv, size_t size,
                        const VMStateField *field, JSONWriter *vmdesc)
{
    struct dsa_core *core = *(struct dsa_core **)pv;
    size_t len = dsa_core_save(core, NULL, 0);
    g_autofree uint8_t *buf = g_try_malloc0(len);

    if (!buf) {
        error_report("dsa: no memory for %zu bytes of state to save", len);
        return -ENOMEM;
    }
    dsa_core_save(core, buf, len);
    qemu_put_be64(f, len);
    qemu_put_buffer(f, buf, len);
    trace_pci_dsa_save(len);
    return 0;
}

static int dsa_get_core(QEMUFile *f, void *pv, size_t size,
                        const VMStateField *field)
{
    DSAState *s = container_of(pv, DSAState, core);
    uint64_t limit = dsa_state_limit(s);
    uint64_t len = qemu_get_be64(f);
    const char *error = "unknown error";
    g_autofree uint8_t *buf = NULL;
    int ret;

    if (len > limit) {
        error_report("dsa: the saved state claims %" PRIu64 " bytes, at most "
                     "%" PRIu64 " are possible with these properties",
                     len, limit);
        return -EINVAL;
    }
    buf = g_try_malloc(len);
    if (!buf) {
        error_report("dsa: no memory for %" PRIu64 " bytes of saved state",
                     len);
        return -ENOMEM;
    }
    if (qemu_get_buffer(f, buf, len) != len) {
        error_report("dsa: the saved state ends early");
        return -EINVAL;
    }
    ret = dsa_core_load(s->core, buf, len, &error);
    trace_pci_dsa_load(len, ret);
    if (ret < 0) {
        error_report("dsa: the saved state cannot be loaded: %s", error);
    }
    return ret;
}

static const VMStateInfo vmstate_info_dsa_core = {
    .name = "dsa core state",
    .get = dsa_get_core,
    .put = dsa_put_core,
};

static int dsa_post_load(void *opaque, int version_id)
{
    dsa_update_dma(opaque);
    dsa_update_link(opaque);
    return 0;
}

const VMStateDescription vmstate_dsa = {
    .name = TYPE_DSA,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = dsa_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_PCI_DEVICE(parent_obj, DSAState),
        VMSTATE_STRUCT(parent_obj.exp.aer_log, DSAState, 0,
                       vmstate_pcie_aer_log, PCIEAERLog),
        VMSTATE_MSIX(parent_obj, DSAState),
        {
            .name = "core",
            .offset = offsetof(DSAState, core),
            .size = sizeof(struct dsa_core *),
            .info = &vmstate_info_dsa_core,
            .flags = VMS_SINGLE,
        },
        VMSTATE_END_OF_LIST()
    },
};
