/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DSA_QUOTA_H
#define DSA_QUOTA_H

#include "dsa_device.h"

int dsa_quota_open(struct dsa_file *dfile);
void dsa_quota_close(struct dsa_file *dfile);

int dsa_quota_take_vm(struct dsa_file *dfile);
void dsa_quota_give_vm(struct dsa_file *dfile);

int dsa_quota_take_queue(struct dsa_file *dfile, u32 class);
void dsa_quota_queue_closing(struct dsa_file *dfile, u32 class);
void dsa_quota_give_queue(struct dsa_file *dfile, u32 class);

void dsa_quota_failed(struct dsa_file *dfile);
int dsa_quota_pay(struct dsa_file *dfile);

#endif /* DSA_QUOTA_H */
