/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DSA_FAULT_H
#define DSA_FAULT_H

#include <linux/types.h>

/**
 * struct dsa_fault - Why a queue stopped: the device's error record, unread.
 * @code: DSA_Q_ERR_CODE.
 * @access: DSA_Q_ERR_ACCESS.
 * @engine: DSA_Q_ERR_ENGINE.
 * @opcode: DSA_Q_ERR_OPCODE.
 * @program: DSA_Q_ERR_PROGRAM_X and following.
 * @insn: DSA_Q_ERR_INSN.
 * @addr: DSA_Q_ERR_ADDR.
 * @pc: DSA_Q_ERR_PC.
 * @cmd_va: DSA_Q_ERR_CMD_VA.
 * @job_id: DSA_Q_ERR_JOB_ID.
 * @launch_id: DSA_Q_ERR_LAUNCH_ID.
 */
struct dsa_fault {
	u32 code;
	u32 access;
	u32 engine;
	u32 opcode;
	u32 program[3];
	u32 insn;
	u64 addr;
	u64 pc;
	u64 cmd_va;
	u64 job_id;
	u64 launch_id;
};

#endif /* DSA_FAULT_H */
