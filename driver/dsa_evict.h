/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DSA_EVICT_H
#define DSA_EVICT_H

struct dsa_bo;
struct dsa_device;
struct dsa_vm;

int dsa_evict_init(struct dsa_device *dsa);
void dsa_evict_add(struct dsa_bo *bo);
void dsa_evict_forget(struct dsa_bo *bo);
void dsa_evict_touch_vm(struct dsa_vm *vm);
void dsa_evict_kick(struct dsa_device *dsa);

#endif /* DSA_EVICT_H */
