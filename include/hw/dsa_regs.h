/* SPDX-License-Identifier: MIT */
/*
 * Kernel <-> hardware: PCI identity, BARs and registers of the virtual DSA.
 *
 * Registers are little-endian, 32 bits wide unless marked (64). A 64-bit
 * register takes one 8-byte access or two 4-byte accesses (either half, any
 * order). Accesses of 1 or 2 bytes, misaligned ones and ones to offsets not
 * listed read zero and write nothing; they are counted in DSA_REG_BAD_ACCESS.
 * RO registers ignore writes, WO registers read zero.
 */
#ifndef _HW_DSA_REGS_H
#define _HW_DSA_REGS_H

#define DSA_PCI_VENDOR_ID 0x1234
#define DSA_PCI_DEVICE_ID 0xd5a0
#define DSA_PCI_REVISION  0x01
#define DSA_PCI_CLASS     0x1200 /* processing accelerator */

#define DSA_BAR_REGS     0
#define DSA_BAR_HBM      2
#define DSA_BAR_DOORBELL 4

#define DSA_REGS_SIZE         0x20000
#define DSA_DOORBELL_BAR_SIZE 0x80000
#define DSA_MSIX_TABLE_OFFSET 0x40000
#define DSA_MSIX_PBA_OFFSET   0x48000

#define DSA_NUM_QUEUES         64
#define DSA_NUM_COMPUTE_QUEUES 32 /* queues 0..31; the rest are copy class */
#define DSA_NUM_ASIDS          256
#define DSA_NUM_VECTORS        (1 + DSA_NUM_QUEUES)
#define DSA_VECTOR_DEVICE      0

/* Doorbell page of a queue (BAR4): 32-bit write of the new tail at offset 0. */
#define DSA_DOORBELL_STRIDE 0x1000
#define DSA_DOORBELL(q)     ((q) * DSA_DOORBELL_STRIDE)

/* ---- identification and control ---- */
#define DSA_REG_MAGIC     0x0000     /* RO, DSA_MAGIC; all ones: device gone */
#define DSA_MAGIC         0x41534456 /* "VDSA" */
#define DSA_REG_VERSION   0x0004     /* RO, major << 16 | minor */
#define DSA_VERSION_MAJOR 1
/*
 * 1: DSA_REG_MATRIX_MACS, counters of launches; 2: busy times of queues, DSA_REG_HBM_TEMPERATURE,
 * engines, DSA_REG_ECC_ADDR
 */
#define DSA_VERSION_MINOR     2
#define DSA_REG_SERIAL        0x0008 /* RO (64) */
#define DSA_REG_HBM_SIZE      0x0010 /* RO (64), bytes */
#define DSA_REG_CORES         0x0018 /* RO, number of cores */
#define DSA_REG_SCRATCH_SIZE  0x001c /* RO, bytes per core */
#define DSA_REG_COPY_ENGINES  0x0020 /* RO */
#define DSA_REG_QUEUES        0x0024 /* RO, total << 16 | compute class */
#define DSA_REG_ASIDS         0x0028 /* RO */
#define DSA_REG_CORE_CLOCK    0x002c /* RO, modelled core clock, kHz */
#define DSA_REG_VLEN          0x0030 /* RO, vector length in bits, 0 = no vector unit */
#define DSA_REG_HBM_BANDWIDTH 0x0034 /* RO, modelled, MB/s (10^6) */
#define DSA_REG_MATRIX_MACS   0x0038 /* RO, modelled, products of BF16 a core and cycle */

#define DSA_REG_STATUS       0x0040    /* RO */
#define DSA_STATUS_READY     (1u << 0) /* firmware booted; queues may be enabled */
#define DSA_STATUS_RESETTING (1u << 1) /* engines still letting go of old work */
#define DSA_STATUS_FATAL     (1u << 2) /* only reset helps */
#define DSA_REG_CONTROL      0x0044    /* WO */
/*
 * Reset: all queues disabled, page-table roots invalid, pending interrupts
 * dropped, scratchpads cleared. HBM content is kept. Done when RESETTING
 * reads zero. FLR does the same and clears HBM too.
 */
#define DSA_CONTROL_RESET   (1u << 0)
#define DSA_REG_RESET_COUNT 0x0048 /* RO, resets of any kind since power-on */
#define DSA_REG_BAD_ACCESS  0x004c /* RO, saturating count */
#define DSA_REG_SCRATCH     0x0050 /* RW, for the driver's register test */
#define DSA_REG_TIME        0x0058 /* RO (64), modelled device time, ns */

/* ---- interrupts of vector 0 ---- */
#define DSA_REG_INT_STATUS  0x0080 /* RO; write 1 to clear */
#define DSA_REG_INT_ENABLE  0x0084 /* RW; vector 0 fires when status & enable gains a bit */
#define DSA_INT_PING        (1u << 0)
#define DSA_INT_QUEUE_ERROR (1u << 1) /* some queue entered ERROR */
#define DSA_INT_THERMAL     (1u << 2)
#define DSA_INT_ECC         (1u << 3)
/* Any write raises DSA_INT_PING from a worker, as a completion would. */
#define DSA_REG_PING 0x0088 /* WO */
/* Bitmap of queues in ERROR (64), RO. */
#define DSA_REG_QUEUE_ERRORS 0x0090

/* ---- telemetry, RO ---- */
#define DSA_REG_TEMPERATURE     0x0100 /* millidegrees Celsius, signed */
#define DSA_REG_POWER           0x0104 /* milliwatts */
#define DSA_REG_CLOCK_NOW       0x0108 /* core clock now, kHz */
#define DSA_REG_ECC_CORRECTED   0x010c /* count */
#define DSA_REG_ECC_UNCORRECTED 0x0110 /* count */
/* Time engines were busy since power-on, modelled ns (64). */
#define DSA_REG_BUSY_COMPUTE 0x0118 /* sum over cores */
#define DSA_REG_BUSY_COPY    0x0120 /* sum over copy engines */
/* HBM offset of the word that the last ECC error of either kind was in (64). */
#define DSA_REG_ECC_ADDR 0x0128
/* Since 1.2: */
#define DSA_REG_HBM_TEMPERATURE 0x0130 /* millidegrees Celsius, signed */

/* ---- MMU ---- */
/*
 * Invalidate: write the range, then the ASID with a scope to INV_CMD. Reading
 * INV_SEQ then gives the sequence number of the last one issued. It is done -
 * no engine uses or will use an old translation, and no access through one is
 * in flight - when (int32_t)(INV_DONE - seq) >= 0. The device never waits in
 * a register access. Issue and read SEQ under one lock.
 */
#define DSA_REG_MMU_INV_START 0x0200 /* RW (64), VA, 4 KiB aligned */
#define DSA_REG_MMU_INV_SIZE  0x0208 /* RW (64), bytes, 4 KiB aligned */
#define DSA_REG_MMU_INV_CMD   0x0210 /* WO: scope << 16 | asid */
#define DSA_MMU_INV_RANGE     1      /* [start, start + size) of the ASID */
#define DSA_MMU_INV_ASID      2      /* all of the ASID */
#define DSA_MMU_INV_ALL       3
#define DSA_REG_MMU_INV_SEQ   0x0214 /* RO */
#define DSA_REG_MMU_INV_DONE  0x0218 /* RO */

/* ---- engines ---- */
/*
 * A window on one engine: what is written to SELECT says on which, kind << 16
 * | index, with kinds as in DSA_Q_ERR_ENGINE; a front end's index is its
 * queue's. Of an engine that does not exist STATE reads DSA_ENG_ABSENT, the
 * rest as of an idle one.
 *
 * What a core shows is as of when it last gave way to other work, some ms ago
 * at most; of an engine that is idle all but BUSY reads zero.
 *
 * Any write to RESET resets the engine: its work is dropped, and the queue
 * that it serves stops with DSA_ERR_RESET, unless it is stopping already. A
 * core's scratchpad is cleared. The other engines go on.
 */
#define DSA_REG_ENG_SELECT     0x0300 /* RW */
#define DSA_REG_ENG_STATE      0x0304 /* RO */
#define DSA_ENG_IDLE           0
#define DSA_ENG_BUSY           1
#define DSA_ENG_WAITING        2 /* on what ENG_WAIT says */
#define DSA_ENG_STUCK          3 /* does not even stop when its queue does: needs a reset */
#define DSA_ENG_ABSENT         0xffffffff
#define DSA_REG_ENG_QUEUE      0x0308 /* RO, queue that it serves, all ones: none */
#define DSA_REG_ENG_RESET      0x030c /* WO */
#define DSA_REG_ENG_PC         0x0310 /* RO (64), core's PC; of others the command's VA */
#define DSA_REG_ENG_LAUNCH_ID  0x0318 /* RO (64), of the LAUNCH */
#define DSA_REG_ENG_PROGRAM_X  0x0320 /* RO, of cores */
#define DSA_REG_ENG_PROGRAM_Y  0x0324 /* RO */
#define DSA_REG_ENG_PROGRAM_Z  0x0328 /* RO */
#define DSA_REG_ENG_WAIT       0x032c /* RO */
#define DSA_ENG_WAIT_NONE      0
#define DSA_ENG_WAIT_MBARRIER  1      /* core: mbarrier at WAIT_ADDR */
#define DSA_ENG_WAIT_CLUSTER   2      /* core: the cluster's barrier */
#define DSA_ENG_WAIT_SEMAPHORE 3      /* front end: SEM_WAIT of the word at WAIT_ADDR */
#define DSA_REG_ENG_WAIT_ADDR  0x0330 /* RO (64), VA */
#define DSA_REG_ENG_BUSY       0x0338 /* RO (64), modelled ns it worked since power-on */

/* Page-table root per ASID (64), RW; see hw/dsa_mmu.h. */
#define DSA_REG_MMU_ROOT(asid) (0x1000 + (asid) * 8)

/* ---- queues ---- */
#define DSA_QUEUE_BASE   0x10000
#define DSA_QUEUE_STRIDE 0x400
#define DSA_QREG(q, r)   (DSA_QUEUE_BASE + (q) * DSA_QUEUE_STRIDE + (r))

/*
 * Configuration; writable only in DISABLED (a write in another state is
 * ignored and counted as a bad access).
 */
#define DSA_Q_RING_BASE 0x000 /* RW (64), bus address, 4 KiB aligned */
#define DSA_Q_RING_LOG2 0x008 /* RW, log2 of the number of packets */
#define DSA_Q_ASID      0x00c /* RW */
#define DSA_Q_PRIORITY  0x010 /* RW, 0 low .. 3 realtime */
#define DSA_Q_VECTOR    0x014 /* RW, MSI-X vector; reset value 1 + q */

#define DSA_Q_CLASS             0x018 /* RO */
#define DSA_QUEUE_CLASS_COMPUTE 0
#define DSA_QUEUE_CLASS_COPY    1

/*
 * Commands. ENABLE: DISABLED -> ACTIVE with head = tail = 0 and a cleared
 * error record; a bad configuration instead goes to ERROR with
 * DSA_ERR_BAD_ARGUMENT. KILL: an ACTIVE queue stops as if it had met
 * DSA_ERR_KILLED. DISABLE: from any state to DISABLED, dropping work. KILL
 * and DISABLE pass through STOPPING while an engine still lets go of the
 * queue's work; then no access on behalf of the queue is in flight any more.
 */
#define DSA_Q_COMMAND    0x01c /* WO */
#define DSA_QCMD_ENABLE  1
#define DSA_QCMD_KILL    2
#define DSA_QCMD_DISABLE 3

#define DSA_Q_STATE         0x020 /* RO */
#define DSA_QSTATE_DISABLED 0
#define DSA_QSTATE_ACTIVE   1 /* idle or running */
#define DSA_QSTATE_STOPPING 2
#define DSA_QSTATE_ERROR    3
#define DSA_Q_HEAD          0x024 /* RO, packets completed */
#define DSA_Q_TAIL          0x028 /* RO, last tail rung */
#define DSA_Q_BUSY          0x02c /* RO, 1: a packet is being executed */
#define DSA_Q_TIME          0x030 /* RO (64), the queue's modelled time, ns */
/*
 * Whose addresses its ring has; writable like the configuration above. Since
 * 1.2. With USER, RING_BASE and the packets' fence addresses are virtual
 * addresses of ASID, so that the ring may be given to the process: it reaches
 * nothing by it that its commands do not reach.
 */
#define DSA_Q_MODE     0x038 /* RW */
#define DSA_QMODE_USER (1u << 0)
/* Time engines worked for it since ENABLE, modelled ns; kept through DISABLE. Since 1.2. */
#define DSA_Q_BUSY_COMPUTE 0x040 /* RO (64), sum over cores */
#define DSA_Q_BUSY_COPY    0x048 /* RO (64), sum over copy engines */

/*
 * Error record: valid while STATE is ERROR, kept through DISABLE, cleared by
 * ENABLE and reset. Published before the state and the interrupts (the
 * queue's vector, and DSA_INT_QUEUE_ERROR on vector 0).
 */
#define DSA_Q_ERR_CODE      0x080 /* RO, enum dsa_error_code */
#define DSA_Q_ERR_ACCESS    0x084 /* RO, enum dsa_access */
#define DSA_Q_ERR_ENGINE    0x088 /* RO, enum dsa_engine_kind << 16 | index */
#define DSA_Q_ERR_OPCODE    0x08c /* RO, command opcode, ~0 if none */
#define DSA_Q_ERR_ADDR      0x090 /* RO (64), VA or bus address of the access */
#define DSA_Q_ERR_PC        0x098 /* RO (64), core's PC, else 0 */
#define DSA_Q_ERR_CMD_VA    0x0a0 /* RO (64), of the command packet */
#define DSA_Q_ERR_JOB_ID    0x0a8 /* RO (64), of the ring packet */
#define DSA_Q_ERR_LAUNCH_ID 0x0b0 /* RO (64), of the LAUNCH */
#define DSA_Q_ERR_PROGRAM_X 0x0b8 /* RO */
#define DSA_Q_ERR_PROGRAM_Y 0x0bc /* RO */
#define DSA_Q_ERR_PROGRAM_Z 0x0c0 /* RO */
#define DSA_Q_ERR_INSN      0x0c4 /* RO, instruction bits for ILLEGAL_INSN */

#endif /* _HW_DSA_REGS_H */
