/* SPDX-License-Identifier: GPL-2.0 */
/* Access to registers. */
#ifndef DSA_HW_H
#define DSA_HW_H

#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/iopoll.h>

#include "dsa_device.h"

static inline u32 dsa_read(struct dsa_device *dsa, u32 reg)
{
	return readl(dsa->regs + reg);
}

static inline u64 dsa_read64(struct dsa_device *dsa, u32 reg)
{
	return readq(dsa->regs + reg);
}

static inline void dsa_write(struct dsa_device *dsa, u32 reg, u32 value)
{
	writel(value, dsa->regs + reg);
}

static inline void dsa_write64(struct dsa_device *dsa, u32 reg, u64 value)
{
	writeq(value, dsa->regs + reg);
}

static inline u32 dsa_qread(struct dsa_device *dsa, unsigned int q, u32 reg)
{
	return dsa_read(dsa, DSA_QREG(q, reg));
}

static inline u64 dsa_qread64(struct dsa_device *dsa, unsigned int q, u32 reg)
{
	return dsa_read64(dsa, DSA_QREG(q, reg));
}

static inline void dsa_qwrite(struct dsa_device *dsa, unsigned int q, u32 reg, u32 value)
{
	dsa_write(dsa, DSA_QREG(q, reg), value);
}

static inline void dsa_qwrite64(struct dsa_device *dsa, unsigned int q, u32 reg, u64 value)
{
	dsa_write64(dsa, DSA_QREG(q, reg), value);
}

/* What is no longer there answers every read with ones; some bridges, with zeroes. */
static inline bool dsa_gone(struct dsa_device *dsa)
{
	return dsa_read(dsa, DSA_REG_MAGIC) != DSA_MAGIC;
}

static inline void dsa_ring_doorbell(struct dsa_device *dsa, unsigned int q, u32 tail)
{
	writel(tail, dsa->doorbells + DSA_DOORBELL(q));
}

#endif /* DSA_HW_H */
