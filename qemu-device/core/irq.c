/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupts: causes of vector 0, and sending once the mutex is released. */
#include "core_int.h"

void irq_add(struct dsa_irqs *irqs, unsigned int vector)
{
	if (vector < DSA_NUM_VECTORS)
		irqs->bits[vector / 64] |= 1ull << (vector % 64);
}

void irq_device(struct dsa_core *core, struct dsa_irqs *irqs, uint32_t cause)
{
	uint32_t gained = cause & ~core->int_status;

	core->int_status |= cause;
	if (gained & core->int_enable)
		irq_add(irqs, DSA_VECTOR_DEVICE);
}

void irq_enable(struct dsa_core *core, struct dsa_irqs *irqs, uint32_t enable)
{
	uint32_t gained = enable & ~core->int_enable;

	core->int_enable = enable;
	if (gained & core->int_status)
		irq_add(irqs, DSA_VECTOR_DEVICE);
}

void irq_raise(struct dsa_core *core, unsigned int vector)
{
	unsigned int times = 1;
	int extra = -1;

	if (faulty(core, FAULTS_IRQ))
		times = fault_irq(core, vector, &extra);
	while (times--)
		core->ops->raise(core->host, vector);
	if (extra >= 0)
		core->ops->raise(core->host, extra);
}

void irq_send(struct dsa_core *core, const struct dsa_irqs *irqs)
{
	for (unsigned int i = 0; i < sizeof(irqs->bits) / sizeof(irqs->bits[0]); i++) {
		uint64_t bits = irqs->bits[i];

		while (bits) {
			irq_raise(core, i * 64 + __builtin_ctzll(bits));
			bits &= bits - 1;
		}
	}
}
