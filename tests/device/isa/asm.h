/* SPDX-License-Identifier: MIT */
/* Encodings of the few instructions that the hand-written tests need. */
#ifndef ISA_ASM_H
#define ISA_ASM_H

#include <stdint.h>

enum { ZERO, RA, SP, GP, TP, T0, T1, T2, S0, S1, A0, A1, A2, A3, A4, A5, A6, A7 };

/* Constant expressions, so that tables of code are static. */
#define FIELD(v, from, n, to) (((uint32_t)(v) >> (from) & ((1u << (n)) - 1)) << (to))

#define i_type(op, f3, rd, rs1, imm)                                                 \
	((op) | (uint32_t)(rd) << 7 | (uint32_t)(f3) << 12 | (uint32_t)(rs1) << 15 | \
	 FIELD(imm, 0, 12, 20))
#define s_type(f3, rs2, rs1, imm)                                                     \
	(0x23u | FIELD(imm, 0, 5, 7) | (uint32_t)(f3) << 12 | (uint32_t)(rs1) << 15 | \
	 (uint32_t)(rs2) << 20 | FIELD(imm, 5, 7, 25))
#define b_type(f3, rs1, rs2, off)                                                       \
	(0x63u | (uint32_t)(f3) << 12 | (uint32_t)(rs1) << 15 | (uint32_t)(rs2) << 20 | \
	 FIELD(off, 12, 1, 31) | FIELD(off, 5, 6, 25) | FIELD(off, 1, 4, 8) |           \
	 FIELD(off, 11, 1, 7))
#define j_type(rd, off)                                                                \
	(0x6fu | (uint32_t)(rd) << 7 | FIELD(off, 20, 1, 31) | FIELD(off, 1, 10, 21) | \
	 FIELD(off, 11, 1, 20) | FIELD(off, 12, 8, 12))

#define ADDI(rd, rs1, imm)  i_type(0x13, 0, rd, rs1, imm)
#define ADD(rd, rs1, rs2)   (0x33u | (rd) << 7 | (rs1) << 15 | (uint32_t)(rs2) << 20)
#define LB(rd, off, rs1)    i_type(0x03, 0, rd, rs1, off)
#define LH(rd, off, rs1)    i_type(0x03, 1, rd, rs1, off)
#define LW(rd, off, rs1)    i_type(0x03, 2, rd, rs1, off)
#define LD(rd, off, rs1)    i_type(0x03, 3, rd, rs1, off)
#define SB(rs2, off, rs1)   s_type(0, rs2, rs1, off)
#define SH(rs2, off, rs1)   s_type(1, rs2, rs1, off)
#define SW(rs2, off, rs1)   s_type(2, rs2, rs1, off)
#define SD(rs2, off, rs1)   s_type(3, rs2, rs1, off)
#define BEQ(a, b, off)      b_type(0, a, b, off)
#define BNE(a, b, off)      b_type(1, a, b, off)
#define JAL(rd, off)        j_type(rd, off)
#define JALR(rd, off, rs1)  i_type(0x67, 0, rd, rs1, off)
#define RET                 JALR(ZERO, 0, RA)
#define FENCE_I             0x0000100fu
#define ECALL               0x00000073u
#define EBREAK              0x00100073u
#define DSA_RD(rd, sel)     i_type(0x0b, 0, rd, ZERO, sel)
#define CSRRS(rd, csr, rs1) i_type(0x73, 2, rd, rs1, csr)
#define CSRRW(rd, csr, rs1) i_type(0x73, 1, rd, rs1, csr)
/* width: 2 or 3 */
#define AMO(f5, width, rd, rs2, rs1)                                               \
	(0x2fu | (rd) << 7 | (width) << 12 | (rs1) << 15 | (uint32_t)(rs2) << 20 | \
	 (uint32_t)(f5) << 27)
#define AMOADD(width, rd, rs2, rs1) AMO(0, width, rd, rs2, rs1)
#define LR(width, rd, rs1)          AMO(2, width, rd, 0, rs1)
#define SC(width, rd, rs2, rs1)     AMO(3, width, rd, rs2, rs1)
#define FADD_S_DYN(rd, rs1, rs2) \
	(0x53u | (rd) << 7 | 7u << 12 | (rs1) << 15 | (uint32_t)(rs2) << 20)

#endif
