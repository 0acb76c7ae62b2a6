/* SPDX-License-Identifier: MIT */
/*
 * _start, and run_case(ctx): loads all registers from the context (struct
 * context in runner.c) and runs the case, whose end jumps to leave_case by way
 * of the stub. The first instruction of each case loads x30 itself, since the
 * jump there needs a register; the stub stores x30 for the same reason.
 */
#define FCSR	(64 * 8)
#define ENTRY	(66 * 8)
#define SAVED	(67 * 8)
#define VBUF	(99 * 8)
#define VL	(100 * 8)
#define VTYPE	(101 * 8)
#define VSTART	(102 * 8)
#define VCSR	(103 * 8)

	.macro	own_registers xop, fop
	.set	n, 0
	.irp	r, ra, sp, gp, tp, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11
	\xop	\r, SAVED + n * 8(t6)
	.set	n, n + 1
	.endr
	.irp	r, fs0, fs1, fs2, fs3, fs4, fs5, fs6, fs7, fs8, fs9, fs10, fs11
	\fop	\r, SAVED + n * 8(t6)
	.set	n, n + 1
	.endr
	.endm

	.macro	case_x op
	.irp	n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, \
		23, 24, 25, 26, 27, 28, 29
	\op	x\n, \n * 8(t6)
	.endr
	.endm

	.macro	case_f op
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, \
		22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\op	f\n, (32 + \n) * 8(t6)
	.endr
	.endm

	/* All vector registers from or to VBUF, when there is one. */
	.macro	case_v op
	ld	t0, VBUF(t6)
	csrr	t1, vlenb
	slli	t1, t1, 3
	.irp	n, 0, 8, 16, 24
	\op	v\n, (t0)
	add	t0, t0, t1
	.endr
	.endm

	.text
	.option	arch, +v
	.globl	_start, run_case, leave_case

_start:
	.option push
	.option norelax
	la	gp, __global_pointer$
	.option pop
	andi	sp, sp, -16
	call	start_c
	ebreak

run_case:
	mv	t6, a0
	own_registers sd, fsd
	ld	t0, VBUF(t6)
	beqz	t0, 1f
	case_v	vl8re8.v
	ld	t0, VL(t6)
	ld	t1, VTYPE(t6)
	vsetvl	t0, t0, t1
	ld	t0, VCSR(t6)
	csrw	vcsr, t0
	ld	t0, VSTART(t6)
	csrw	vstart, t0
1:	ld	t0, FCSR(t6)
	fscsr	t0
	case_f	fld
	case_x	ld
	ld	x30, ENTRY(t6)
	jr	x30

leave_case:
	case_x	sd
	frcsr	t0
	sd	t0, FCSR(t6)
	case_f	fsd
	ld	t0, VBUF(t6)
	beqz	t0, 1f
	csrr	t0, vstart
	sd	t0, VSTART(t6)
	csrw	vstart, zero
	csrr	t0, vcsr
	sd	t0, VCSR(t6)
	csrr	t0, vl
	sd	t0, VL(t6)
	csrr	t0, vtype
	sd	t0, VTYPE(t6)
	case_v	vs8r.v
1:
	own_registers ld, fld
	fscsr	zero
	ret
