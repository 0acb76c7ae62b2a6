/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QEMU PCIe device "dsa": PCI configuration, BARs, properties, resets, and
 * the operations that the device core asks of its host. What the device does
 * is in core/; the threads that run it are in dsa-workers.c.
 *
 * Every field of DSAState is the BQL's. Handlers of registers, doorbells and
 * configuration space never wait for a worker.
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qemu/host-utils.h"
#include "qemu/log.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "qemu/range.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "exec/cpu-common.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie.h"
#include "hw/pci/pcie_aer.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "system/runstate.h"

#include "dsa.h"
#include "trace.h"

#define DSA_HBM_DEFAULT (2 * GiB)
#define DSA_HBM_MIN (1 * MiB)
#define DSA_HBM_MAX (1 * TiB)
#define DSA_SCRATCH_MIN (64 * KiB)
#define DSA_SCRATCH_MAX (16 * MiB)
#define DSA_VLEN_MIN 128
#define DSA_VLEN_MAX 65536
#define DSA_MAX_CORES 64
#define DSA_MAX_COPY_ENGINES 16

#define DSA_CAP_EXPRESS 0x80
#define DSA_CAP_PM 0x40
#define DSA_CAP_MSIX 0x50
#define DSA_ECAP_AER 0x100
#define DSA_ECAP_SERIAL 0x150

/* ---- what the core asks of us ---- */

static void dsa_host_lock(void *host)
{
    bql_lock();
}

static void dsa_host_unlock(void *host)
{
    bql_unlock();
}

/*
 * attrs.memory refuses anything but RAM, so that DMA never enters a device's
 * handlers, our own least of all.
 */
static int dsa_host_dma(DSAState *s, uint64_t addr, void *buf, size_t len,
                        DMADirection dir, MemTxResult *result)
{
    PCIDevice *pci_dev = PCI_DEVICE(s);
    const MemTxAttrs attrs = {
        .requester_id = pci_requester_id(pci_dev),
        .memory = 1,
    };

    *result = MEMTX_OK;
    if (!s->dma_on) {
        trace_pci_dsa_err_dma_disabled(addr, len);
        return -EPERM;
    }
    *result = pci_dma_rw(pci_dev, addr, buf, len, dir, attrs);
    return *result == MEMTX_OK ? 0 : -EIO;
}

static int dsa_host_dma_read(void *host, uint64_t addr, void *buf, size_t len)
{
    MemTxResult result;
    int ret = dsa_host_dma(host, addr, buf, len, DMA_DIRECTION_TO_DEVICE,
                           &result);

    if (result != MEMTX_OK) {
        trace_pci_dsa_err_dma_read(addr, len, result);
    }
    return ret;
}

static int dsa_host_dma_write(void *host, uint64_t addr, const void *buf,
                              size_t len)
{
    MemTxResult result;
    int ret = dsa_host_dma(host, addr, (void *)buf, len,
                           DMA_DIRECTION_FROM_DEVICE, &result);

    if (result != MEMTX_OK) {
        trace_pci_dsa_err_dma_write(addr, len, result);
    }
    return ret;
}

static bool dsa_in_d0(PCIDevice *pci_dev)
{
    uint16_t ctrl = pci_get_word(pci_dev->config + DSA_CAP_PM + PCI_PM_CTRL);

    return !(ctrl & PCI_PM_CTRL_STATE_MASK);
}

static void dsa_host_raise(void *host, unsigned int vector)
{
    PCIDevice *pci_dev = PCI_DEVICE(host);

    if (!msix_enabled(pci_dev) || !dsa_in_d0(pci_dev)) {
        trace_pci_dsa_irq_dropped(vector);
        return;
    }
    trace_pci_dsa_irq(vector);
    msix_notify(pci_dev, vector);
}

static void dsa_host_wake(void *host)
{
    DSAState *s = host;

    dsa_workers_wake(s->pool);
}

static void dsa_host_hbm_dirty(void *host, uint64_t offset, uint64_t len)
{
    DSAState *s = host;

    memory_region_set_dirty(s->hbm, offset, len);
}

/*
 * Gives the pages back, so that a cleared HBM costs no memory. Memory that a
 * file backs for others too, or that is pinned, is left to the core.
 */
static int dsa_host_hbm_clear(void *host, uint64_t offset, uint64_t len)
{
    DSAState *s = host;
    RAMBlock *block = s->hbm->ram_block;
    size_t page = qemu_ram_pagesize(block);
    int ret = -ENOTSUP;

    if (QEMU_IS_ALIGNED(offset | len, page) && !ram_block_discard_is_disabled()
        && (qemu_ram_get_fd(block) < 0 || qemu_ram_is_shared(block))) {
        ret = ram_block_discard_range(block, offset, len);
        memory_region_set_dirty(s->hbm, offset, len);
    }
    trace_pci_dsa_hbm_clear(offset, len, ret);
    return ret;
}

static uint64_t dsa_host_now_ns(void *host)
{
    return get_clock();
}

static void dsa_host_log(void *host, enum dsa_log_level level,
                         const char *line)
{
    switch (level) {
    case DSA_LOG_GUEST_ERROR:
        qemu_log_mask(LOG_GUEST_ERROR, "%s: %s\n",
                      PCI_DEVICE(host)->qdev.id ?: TYPE_DSA, line);
        break;
    case DSA_LOG_INFO:
        trace_pci_dsa_core_info(line);
        break;
    case DSA_LOG_TRACE:
        trace_pci_dsa_core_trace(line);
        break;
    }
}

static const struct dsa_host_ops dsa_host_ops = {
    .lock = dsa_host_lock,
    .unlock = dsa_host_unlock,
    .dma_read = dsa_host_dma_read,
    .dma_write = dsa_host_dma_write,
    .raise = dsa_host_raise,
    .wake = dsa_host_wake,
    .hbm_dirty = dsa_host_hbm_dirty,
    .hbm_clear = dsa_host_hbm_clear,
    .now_ns = dsa_host_now_ns,
    .log = dsa_host_log,
};

/* ---- BARs ---- */

static uint64_t dsa_regs_read(void *opaque, hwaddr addr, unsigned size)
{
    DSAState *s = opaque;
    uint64_t data = dsa_core_mmio_read(s->core, addr, size);

    trace_pci_dsa_mmio_read(addr, size, data);
    return data;
}

static void dsa_regs_write(void *opaque, hwaddr addr, uint64_t data,
                           unsigned size)
{
    DSAState *s = opaque;

    trace_pci_dsa_mmio_write(addr, size, data);
    dsa_core_mmio_write(s->core, addr, data, size);
}

static uint64_t dsa_doorbell_read(void *opaque, hwaddr addr, unsigned size)
{
    return 0;
}

static void dsa_doorbell_write(void *opaque, hwaddr addr, uint64_t data,
                               unsigned size)
{
    DSAState *s = opaque;

    trace_pci_dsa_doorbell(addr, size, data);
    dsa_core_doorbell(s->core, addr, data, size);
}

/*
 * The core sees every access as the guest made it: it is the one who says
 * which sizes and alignments are wrong.
 */
static const MemoryRegionOps dsa_regs_ops = {
    .read = dsa_regs_read,
    .write = dsa_regs_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

/* What lies over the BARs while the link is down. */
static uint64_t dsa_gone_read(void *opaque, hwaddr addr, unsigned size)
{
    return UINT64_MAX;
}

static void dsa_gone_write(void *opaque, hwaddr addr, uint64_t data,
                           unsigned size)
{
}

static const MemoryRegionOps dsa_gone_ops = {
    .read = dsa_gone_read,
    .write = dsa_gone_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

static const MemoryRegionOps dsa_doorbell_ops = {
    .read = dsa_doorbell_read,
    .write = dsa_doorbell_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

/* ---- configuration space, power and resets ---- */

void dsa_update_link(DSAState *s)
{
    bool down = dsa_core_link_down(s->core);

    if (down == s->link_down) {
        return;
    }
    trace_pci_dsa_link(!down);
    s->link_down = down;
    memory_region_transaction_begin();
    memory_region_set_enabled(&s->gone_hbm, down);
    memory_region_set_enabled(&s->gone_doorbell, down);
    memory_region_transaction_commit();
}

static uint32_t dsa_config_read(PCIDevice *pci_dev, uint32_t addr, int len)
{
    DSAState *s = DSA(pci_dev);

    if (s->core && dsa_core_link_down(s->core)) {
        return UINT32_MAX >> (32 - 8 * len);
    }
    return pci_default_read_config(pci_dev, addr, len);
}

void dsa_update_dma(DSAState *s)
{
    PCIDevice *pci_dev = PCI_DEVICE(s);
    bool on = (pci_get_word(pci_dev->config + PCI_COMMAND) &
               PCI_COMMAND_MASTER) && dsa_in_d0(pci_dev);

    if (on != s->dma_on) {
        trace_pci_dsa_bus_master(on);
        s->dma_on = on;
        dsa_core_set_bus_master(s->core, on);
    }
}

static void dsa_config_write(PCIDevice *pci_dev, uint32_t addr, uint32_t val,
                             int len)
{
    DSAState *s = DSA(pci_dev);
    bool was_d0 = dsa_in_d0(pci_dev);

    if (s->link_down) {
        return;
    }
    pci_default_write_config(pci_dev, addr, val, len);
    pcie_aer_write_config(pci_dev, addr, val, len);
    if (!s->core) {
        return; /* late in unplug */
    }
    pcie_cap_flr_write_config(pci_dev, addr, val, len);
    if (!was_d0 && dsa_in_d0(pci_dev)) {
        /* D3hot to D0 loses all but HBM (No_Soft_Reset is clear). */
        s->reset_keeps_hbm = true;
        pci_device_reset(pci_dev);
        s->reset_keeps_hbm = false;
    }
    dsa_update_dma(s);
}

/*
 * System, bus and function-level reset, and the one on the way back to D0.
 * PCI's own code resets configuration space and MSI-X right after this.
 */
static void dsa_reset_hold(Object *obj, ResetType type)
{
    DSAState *s = DSA(obj);
    PCIDevice *pci_dev = PCI_DEVICE(obj);
    bool keep = s->reset_keeps_hbm;

    if (!s->core) {
        return;
    }
    trace_pci_dsa_reset(type, keep ? "HBM kept" : "HBM cleared");
    s->dma_on = false;
    dsa_core_set_bus_master(s->core, false);
    dsa_core_reset(s->core, keep ? DSA_RESET_DEVICE : DSA_RESET_FUNCTION);
    pcie_cap_deverr_reset(pci_dev);
}

static void dsa_vm_state_change(void *opaque, bool running, RunState state)
{
    DSAState *s = opaque;

    if (running) {
        dsa_workers_resume(s->pool);
        return;
    }
    /* The BQL is released while we wait: keep us from being finalized. */
    object_ref(OBJECT(s));
    dsa_workers_pause(s->pool);
    object_unref(OBJECT(s));
}

/* ---- realize and unrealize ---- */

static bool dsa_check_range(const char *name, uint64_t value, uint64_t min,
                            uint64_t max, bool power_of_two, Error **errp)
{
    if (value >= min && value <= max && (!power_of_two || is_power_of_2(value))) {
        return true;
    }
    error_setg(errp, "%s=%" PRIu64 " is not possible: it must be %s%" PRIu64
               " to %" PRIu64, name, value,
               power_of_two ? "a power of two from " : "", min, max);
    return false;
}

static bool dsa_check_size(const char *name, uint64_t value, uint64_t min,
                           uint64_t max, Error **errp)
{
    g_autofree char *have = NULL, *low = NULL, *high = NULL;

    if (value >= min && value <= max && is_power_of_2(value)) {
        return true;
    }
    have = size_to_str(value);
    low = size_to_str(min);
    high = size_to_str(max);
    error_setg(errp, "%s=%" PRIu64 " (%s) is not possible: it must be a power "
               "of two from %s to %s", name, value, have, low, high);
    return false;
}

/* Fills in what was left to us, and refuses what cannot be. */
static bool dsa_check_properties(DSAState *s, Error **errp)
{
    struct dsa_core_config def;

    dsa_core_config_default(&def);
    if (s->preset && !dsa_core_config_preset(&def, s->preset)) {
        error_setg(errp, "there is no preset '%s', only " DSA_CORE_PRESETS,
                   s->preset);
        return false;
    }
    s->cores = s->cores ?: def.cores;
    s->copy_engines = s->copy_engines ?: def.copy_engines;
    s->scratchpad_size = s->scratchpad_size ?: def.scratch_size;
    s->vlen = s->vlen ?: def.vlen;
    s->core_clock_khz = s->core_clock_khz ?: def.core_clock_khz;
    s->matrix_macs = s->matrix_macs ?: def.matrix_macs;
    s->hbm_bandwidth = s->hbm_bandwidth ?: def.hbm_mb_per_s;
    s->bus_bandwidth = s->bus_bandwidth ?: def.bus_mb_per_s;
    for (unsigned int i = 0; i < DSA_COST_FIELDS; i++) {
        if (!(s->cost_set & BIT(i))) {
            *dsa_cost_at(&s->cost, i) = *dsa_cost_at(&def.cost, i);
        }
    }
    if (s->pace && strcmp(s->pace, "none") && strcmp(s->pace, "model")) {
        error_setg(errp, "pace=%s is not possible: there are none, model",
                   s->pace);
        return false;
    }
    if (!s->memdev && !s->hbm_size) {
        s->hbm_size = DSA_HBM_DEFAULT;
    }
    return (!s->hbm_size ||
            dsa_check_size("hbm-size", s->hbm_size, DSA_HBM_MIN, DSA_HBM_MAX,
                           errp)) &&
        dsa_check_size("scratchpad-size", s->scratchpad_size, DSA_SCRATCH_MIN,
                       DSA_SCRATCH_MAX, errp) &&
        dsa_check_range("vlen", s->vlen, DSA_VLEN_MIN, DSA_VLEN_MAX, true,
                        errp) &&
        dsa_check_range("cores", s->cores, 1, DSA_MAX_CORES, false, errp) &&
        dsa_check_range("copy-engines", s->copy_engines, 1,
                        DSA_MAX_COPY_ENGINES, false, errp) &&
        dsa_check_range("workers", s->workers, 0, DSA_MAX_WORKERS, false,
                        errp) &&
        dsa_check_range("matrix-macs", s->matrix_macs, 32, 1 << 20, false,
                        errp) &&
        dsa_check_range("core-clock-khz", s->core_clock_khz, 1000, 10000000,
                        false, errp) &&
        dsa_check_range("hbm-bandwidth", s->hbm_bandwidth, 1, 100000000,
                        false, errp) &&
        dsa_check_range("bus-bandwidth", s->bus_bandwidth, 1, 100000000,
                        false, errp);
}

/* The slot decides, so that a replugged or migrated device keeps its number. */
static uint64_t dsa_default_serial(DSAState *s)
{
    g_autofree char *path = qdev_get_dev_path(DEVICE(s));
    uint32_t hash = 2166136261u;

    for (const char *p = path; p && *p; p++) {
        hash = (hash ^ (uint8_t)*p) * 16777619u;
    }
    return (uint64_t)DSA_PCI_DEVICE_ID << 48 | hash;
}

static bool dsa_take_memdev(DSAState *s, Error **errp)
{
    Object *backend = OBJECT(s->memdev);
    uint64_t size;

    if (host_memory_backend_is_mapped(s->memdev)) {
        error_setg(errp, "memdev '%s' is in use by another device",
                   object_get_canonical_path_component(backend));
        return false;
    }
    s->hbm = host_memory_backend_get_memory(s->memdev);
    size = memory_region_size(s->hbm);
    if (s->hbm_size && s->hbm_size != size) {
        error_setg(errp, "hbm-size=%" PRIu64 " differs from the size of memdev "
                   "'%s', %" PRIu64 ": leave hbm-size out", s->hbm_size,
                   object_get_canonical_path_component(backend), size);
        return false;
    }
    if (!dsa_check_size("the size of memdev", size, DSA_HBM_MIN, DSA_HBM_MAX,
                        errp)) {
        return false;
    }
    s->hbm_size = size;
    host_memory_backend_set_mapped(s->memdev, true);
    return true;
}

static bool dsa_init_hbm(DSAState *s, Error **errp)
{
    if (s->memdev) {
        if (!dsa_take_memdev(s, errp)) {
            return false;
        }
    } else if (!memory_region_init_ram_flags_nomigrate(&s->own_hbm, OBJECT(s),
                                                       "dsa-hbm", s->hbm_size,
                                                       RAM_NORESERVE, errp)) {
        return false;
    } else {
        s->hbm = &s->own_hbm;
    }
    vmstate_register_ram(s->hbm, DEVICE(s));
    return true;
}

static void dsa_release_hbm(DSAState *s)
{
    vmstate_unregister_ram(s->hbm, DEVICE(s));
    if (s->memdev) {
        host_memory_backend_set_mapped(s->memdev, false);
    }
}

static bool dsa_new_core(DSAState *s, Error **errp)
{
    const char *reason = "unknown reason";
    struct dsa_core_config config;

    dsa_core_config_default(&config);
    config.hbm_size = s->hbm_size;
    config.hbm = memory_region_get_ram_ptr(s->hbm);
    config.cores = s->cores;
    config.copy_engines = s->copy_engines;
    config.scratch_size = s->scratchpad_size;
    config.vlen = s->vlen;
    config.core_clock_khz = s->core_clock_khz;
    config.matrix_macs = s->matrix_macs;
    config.hbm_mb_per_s = s->hbm_bandwidth;
    config.bus_mb_per_s = s->bus_bandwidth;
    config.cost = s->cost;
    config.pace = s->pace && !strcmp(s->pace, "model");
    config.serial = s->serial;
    s->core = dsa_core_new(&config, &dsa_host_ops, s, &reason);
    if (!s->core) {
        error_setg(errp, "the device core refuses: %s", reason);
        return false;
    }
    if (s->temperature_set &&
        dsa_core_set_temperature(s->core, s->temperature) < 0) {
        error_setg(errp, "temperature=%d (millidegrees Celsius) is out of "
                   "range", s->temperature);
        dsa_core_free(s->core);
        s->core = NULL;
        return false;
    }
    return true;
}

static void dsa_init_gone(DSAState *s, MemoryRegion *gone, MemoryRegion *bar,
                          uint64_t size)
{
    memory_region_init_io(gone, OBJECT(s), &dsa_gone_ops, s, "dsa-gone", size);
    memory_region_set_enabled(gone, false);
    memory_region_add_subregion_overlap(bar, 0, gone, 10);
}

static void dsa_register_bars(DSAState *s)
{
    PCIDevice *pci_dev = PCI_DEVICE(s);

    memory_region_init_io(&s->regs, OBJECT(s), &dsa_regs_ops, s, "dsa-regs",
                          DSA_REGS_SIZE);
    memory_region_init_io(&s->doorbell, OBJECT(s), &dsa_doorbell_ops, s,
                          "dsa-doorbell", DSA_DOORBELL_BAR_SIZE);
    memory_region_init(&s->bar_hbm, OBJECT(s), "dsa-bar-hbm", s->hbm_size);
    memory_region_add_subregion(&s->bar_hbm, 0, s->hbm);
    dsa_init_gone(s, &s->gone_hbm, &s->bar_hbm, s->hbm_size);
    dsa_init_gone(s, &s->gone_doorbell, &s->doorbell, DSA_DOORBELL_BAR_SIZE);
    pci_register_bar(pci_dev, DSA_BAR_REGS, PCI_BASE_ADDRESS_SPACE_MEMORY,
                     &s->regs);
    pci_register_bar(pci_dev, DSA_BAR_HBM,
                     PCI_BASE_ADDRESS_SPACE_MEMORY |
                     PCI_BASE_ADDRESS_MEM_TYPE_64 |
                     PCI_BASE_ADDRESS_MEM_PREFETCH, &s->bar_hbm);
    pci_register_bar(pci_dev, DSA_BAR_DOORBELL,
                     PCI_BASE_ADDRESS_SPACE_MEMORY |
                     PCI_BASE_ADDRESS_MEM_TYPE_64, &s->doorbell);
}

/* What lies in a region holds a reference to its owner: us. */
static void dsa_empty_bars(DSAState *s)
{
    memory_region_del_subregion(&s->doorbell, &s->gone_doorbell);
    memory_region_del_subregion(&s->bar_hbm, &s->gone_hbm);
    memory_region_del_subregion(&s->bar_hbm, s->hbm);
}

static bool dsa_init_msix(DSAState *s, Error **errp)
{
    PCIDevice *pci_dev = PCI_DEVICE(s);

    if (msix_init(pci_dev, DSA_NUM_VECTORS,
                  &s->doorbell, DSA_BAR_DOORBELL, DSA_MSIX_TABLE_OFFSET,
                  &s->doorbell, DSA_BAR_DOORBELL, DSA_MSIX_PBA_OFFSET,
                  DSA_CAP_MSIX, errp) < 0) {
        return false;
    }
    for (unsigned int i = 0; i < DSA_NUM_VECTORS; i++) {
        msix_vector_use(pci_dev, i);
    }
    return true;
}

static bool dsa_init_pm(PCIDevice *pci_dev, Error **errp)
{
    if (pci_pm_init(pci_dev, DSA_CAP_PM, errp) < 0) {
        return false;
    }
    pci_set_word(pci_dev->config + DSA_CAP_PM + PCI_PM_PMC, 3);
    pci_set_word(pci_dev->wmask + DSA_CAP_PM + PCI_PM_CTRL,
                 PCI_PM_CTRL_STATE_MASK);
    return true;
}

static bool dsa_init_caps(DSAState *s, Error **errp)
{
    PCIDevice *pci_dev = PCI_DEVICE(s);

    if (!dsa_init_pm(pci_dev, errp)) {
        return false;
    }
    if (pcie_endpoint_cap_init(pci_dev, DSA_CAP_EXPRESS) < 0) {
        error_setg(errp, "the PCI Express capability does not fit");
        return false;
    }
    pcie_cap_deverr_init(pci_dev);
    pcie_cap_flr_init(pci_dev);
    if (pcie_aer_init(pci_dev, PCI_ERR_VER, DSA_ECAP_AER, PCI_ERR_SIZEOF,
                      errp) < 0) {
        pcie_cap_exit(pci_dev);
        return false;
    }
    pcie_dev_ser_num_init(pci_dev, DSA_ECAP_SERIAL, s->serial);
    return true;
}

static void dsa_exit_caps(PCIDevice *pci_dev)
{
    pcie_aer_exit(pci_dev);
    pcie_cap_exit(pci_dev);
}

static void dsa_start(DSAState *s)
{
    trace_pci_dsa_realize(DEVICE(s)->id ?: TYPE_DSA, s->hbm_size, s->cores,
                          s->workers, s->serial);
    dsa_workers_start(s->pool, s->core);
    s->vm_state = qdev_add_vm_change_state_handler(DEVICE(s),
                                                   dsa_vm_state_change, s);
    if (runstate_is_running()) {
        dsa_workers_resume(s->pool);
    }
}

static void dsa_realize(PCIDevice *pci_dev, Error **errp)
{
    DSAState *s = DSA(pci_dev);

    if (!pci_bus_is_express(pci_get_bus(pci_dev))) {
        error_setg(errp, "dsa needs a PCI Express bus: use machine q35, with "
                   "the device on pcie.0 or behind a pcie-root-port");
        return;
    }
    if (!dsa_check_properties(s, errp)) {
        return;
    }
    if (!s->serial) {
        s->serial = dsa_default_serial(s);
    }
    if (!dsa_init_hbm(s, errp)) {
        return;
    }
    if (!s->workers) {
        s->workers = MIN(MAX(g_get_num_processors(), 1), s->cores);
    }
    s->pool = dsa_workers_new(s->workers);
    if (!dsa_new_core(s, errp)) {
        goto err_pool;
    }
    pci_dev->config_read = dsa_config_read;
    pci_dev->config_write = dsa_config_write;
    dsa_register_bars(s);
    if (!dsa_init_caps(s, errp)) {
        goto err_core;
    }
    if (!dsa_init_msix(s, errp)) {
        goto err_caps;
    }
    dsa_start(s);
    return;

err_caps:
    dsa_exit_caps(pci_dev);
err_core:
    dsa_empty_bars(s);
    dsa_core_free(s->core);
    s->core = NULL;
err_pool:
    dsa_workers_free(s->pool);
    s->pool = NULL;
    dsa_release_hbm(s);
}

/*
 * The BARs are gone already. Joining the workers releases the BQL, so
 * configuration space may still be written meanwhile: the core stays until
 * nobody runs it any more.
 */
static void dsa_exit(PCIDevice *pci_dev)
{
    DSAState *s = DSA(pci_dev);

    trace_pci_dsa_unrealize(DEVICE(s)->id ?: TYPE_DSA);
    qemu_del_vm_change_state_handler(s->vm_state);
    dsa_workers_free(s->pool);
    dsa_core_free(s->core);
    s->pool = NULL;
    s->core = NULL;
    msix_uninit(pci_dev, &s->doorbell, &s->doorbell);
    dsa_exit_caps(pci_dev);
    dsa_empty_bars(s);
    dsa_release_hbm(s);
}

/* ---- properties and class ---- */

static void dsa_get_temperature(Object *obj, Visitor *v, const char *name,
                                void *opaque, Error **errp)
{
    DSAState *s = DSA(obj);
    int32_t value = s->core ? dsa_core_get_temperature(s->core)
                            : s->temperature;

    visit_type_int32(v, name, &value, errp);
}

static void dsa_set_temperature(Object *obj, Visitor *v, const char *name,
                                void *opaque, Error **errp)
{
    DSAState *s = DSA(obj);
    int32_t value;

    if (!visit_type_int32(v, name, &value, errp)) {
        return;
    }
    if (s->core && dsa_core_set_temperature(s->core, value) < 0) {
        error_setg(errp, "temperature=%d (millidegrees Celsius) is out of "
                   "range", value);
        return;
    }
    s->temperature = value;
    s->temperature_set = true;
}

/* A line for each fault that was ordered. */
static char *dsa_get_fault(Object *obj, Error **errp)
{
    DSAState *s = DSA(obj);
    size_t size = s->core ? dsa_core_faults(s->core, NULL, 0) + 256 : 1;
    char *text = g_malloc0(size);

    if (s->core) {
        dsa_core_faults(s->core, text, size);
    }
    return text;
}

static void dsa_set_fault(Object *obj, const char *value, Error **errp)
{
    DSAState *s = DSA(obj);
    char error[512] = "";

    if (!s->core) {
        error_setg(errp, "fault=%s: faults can be ordered only of a device "
                   "that is there: use qom-set", value);
        return;
    }
    if (dsa_core_fault(s->core, value, error, sizeof(error)) < 0) {
        error_setg(errp, "%s", error);
        return;
    }
    trace_pci_dsa_fault(DEVICE(s)->id ?: TYPE_DSA, value);
    dsa_update_link(s);
}

static void dsa_get_cost(Object *obj, Visitor *v, const char *name,
                         void *opaque, Error **errp)
{
    const struct dsa_cost_field *field = opaque;

    visit_type_uint32(v, name,
                      dsa_cost_at(&DSA(obj)->cost, field - dsa_cost_fields),
                      errp);
}

static void dsa_set_cost(Object *obj, Visitor *v, const char *name,
                         void *opaque, Error **errp)
{
    const struct dsa_cost_field *field = opaque;
    unsigned int i = field - dsa_cost_fields;
    DSAState *s = DSA(obj);
    uint32_t value;

    if (DEVICE(obj)->realized) {
        qdev_prop_set_after_realize(DEVICE(obj), name, errp);
        return;
    }
    if (!visit_type_uint32(v, name, &value, errp) ||
        !dsa_check_range(name, value, field->min, field->max, false, errp)) {
        return;
    }
    *dsa_cost_at(&s->cost, i) = value;
    s->cost_set |= BIT(i);
}

/* The constants of the cost model: a property for each, made from the table. */
static void dsa_add_costs(ObjectClass *klass)
{
    for (unsigned int i = 0; i < DSA_COST_FIELDS; i++) {
        const struct dsa_cost_field *field = &dsa_cost_fields[i];

        object_class_property_add(klass, field->name, "uint32", dsa_get_cost,
                                  dsa_set_cost, NULL, (void *)field);
        object_class_property_set_description(klass, field->name, field->text);
    }
}

static const Property dsa_properties[] = {
    DEFINE_PROP_SIZE("hbm-size", DSAState, hbm_size, 0),
    DEFINE_PROP_LINK("memdev", DSAState, memdev, TYPE_MEMORY_BACKEND,
                     HostMemoryBackend *),
    DEFINE_PROP_UINT32("cores", DSAState, cores, 16),
    DEFINE_PROP_SIZE("scratchpad-size", DSAState, scratchpad_size, 2 * MiB),
    DEFINE_PROP_UINT32("copy-engines", DSAState, copy_engines, 4),
    DEFINE_PROP_UINT32("vlen", DSAState, vlen, 4096),
    DEFINE_PROP_UINT32("workers", DSAState, workers, 0),
    DEFINE_PROP_STRING("preset", DSAState, preset),
    DEFINE_PROP_UINT32("core-clock-khz", DSAState, core_clock_khz, 0),
    DEFINE_PROP_UINT32("matrix-macs", DSAState, matrix_macs, 0),
    DEFINE_PROP_UINT32("hbm-bandwidth", DSAState, hbm_bandwidth, 0),
    DEFINE_PROP_UINT32("bus-bandwidth", DSAState, bus_bandwidth, 0),
    DEFINE_PROP_STRING("pace", DSAState, pace),
    DEFINE_PROP_UINT64("serial", DSAState, serial, 0),
};

static void dsa_describe(ObjectClass *klass)
{
    static const struct { const char *name, *text; } text[] = {
        { "hbm-size", "bytes of HBM, a power of two; 2 GiB by default" },
        { "memdev", "memory backend to be the HBM, instead of hbm-size" },
        { "cores", "compute cores" },
        { "scratchpad-size", "bytes of scratchpad per core, a power of two" },
        { "copy-engines", "copy engines" },
        { "vlen", "bits of a vector register of the cores, a power of two" },
        { "workers", "host threads that run the engines; 0: as many as host "
                     "CPUs, at most one per core" },
        { "preset", "defaults of what is modelled: " DSA_CORE_PRESETS },
        { "core-clock-khz", "modelled core clock; 0: default" },
        { "matrix-macs", "modelled, products of bf16 a core and cycle; 0: "
                         "default" },
        { "hbm-bandwidth", "modelled, 10^6 bytes/s; 0: default" },
        { "bus-bandwidth", "modelled, to system memory, 10^6 bytes/s; 0: "
                           "default" },
        { "pace", "model: completions come no earlier than modelled; none "
                  "(default): as soon as they can" },
        { "serial", "device serial number; 0: made from the slot" },
        { "temperature", "millidegrees Celsius; settable at run time" },
        { "fault", "orders a fault at run time, KIND[,KEY=VALUE...], or ends "
                   "those ordered, heal[=KIND]; reads as what was ordered and "
                   "how often it came to pass" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
        object_class_property_set_description(klass, text[i].name,
                                              text[i].text);
    }
}

static void dsa_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(klass);

    pc->realize = dsa_realize;
    pc->exit = dsa_exit;
    pc->vendor_id = DSA_PCI_VENDOR_ID;
    pc->device_id = DSA_PCI_DEVICE_ID;
    pc->revision = DSA_PCI_REVISION;
    pc->class_id = DSA_PCI_CLASS;

    rc->phases.hold = dsa_reset_hold;

    dc->desc = "Virtual AI accelerator";
    dc->vmsd = &vmstate_dsa;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    device_class_set_props(dc, dsa_properties);
    object_class_property_add(klass, "temperature", "int32",
                              dsa_get_temperature, dsa_set_temperature, NULL,
                              NULL);
    object_class_property_add_str(klass, "fault", dsa_get_fault,
                                  dsa_set_fault);
    dsa_add_costs(klass);
    dsa_describe(klass);
}

static const TypeInfo dsa_types[] = {
    {
        .name = TYPE_DSA,
        .parent = TYPE_PCI_DEVICE,
        .instance_size = sizeof(DSAState),
        .class_init = dsa_class_init,
        .interfaces = (InterfaceInfo[]) {
            { INTERFACE_PCIE_DEVICE },
            { }
        },
    },
};

DEFINE_TYPES(dsa_types)
