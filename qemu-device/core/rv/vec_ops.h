/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What vector instructions compute for one element. Each list is expanded to
 * an enumeration (here), to loops for every element size and host (vec_loops.h)
 * and to the tables of these.
 *
 * In the expressions A is the element of vs2, B of vs1 (or the scalar), C the
 * old one of vd, M the mask bit (0 or 1). U and S are the element's unsigned
 * and signed types of BITS bits, MU an unsigned type that arithmetic does not
 * promote, WU and WS twice as wide.
 */
#ifndef DSA_CORE_RV_VEC_OPS_H
#define DSA_CORE_RV_VEC_OPS_H

/* clang-format off */

/* U from U and U */
#define RV_VBIN(OP) \
	OP(ADD, (U)((MU)A + B)) OP(SUB, (U)((MU)A - B)) OP(RSUB, (U)((MU)B - A)) \
	OP(AND, A & B) OP(OR, A | B) OP(XOR, A ^ B) \
	OP(MINU, A < B ? A : B) OP(MIN, (S)A < (S)B ? A : B) \
	OP(MAXU, A > B ? A : B) OP(MAX, (S)A > (S)B ? A : B) \
	OP(SLL, (U)((MU)A << (B & (BITS - 1)))) OP(SRL, (U)(A >> (B & (BITS - 1)))) \
	OP(SRA, (U)((S)A >> (B & (BITS - 1)))) \
	OP(MUL, (U)((MU)A * B)) OP(MULH, (U)(((WS)(S)A * (WS)(S)B) >> BITS)) \
	OP(MULHU, (U)(((WU)A * (WU)B) >> BITS)) \
	OP(MULHSU, (U)(((WS)(S)A * (WS)(WU)B) >> BITS)) \
	OP(DIVU, B ? (U)(A / B) : (U)-1) OP(REMU, B ? (U)(A % B) : A) \
	OP(DIV, !B ? (U)-1 : B == (U)-1 ? (U)(0 - (MU)A) : (U)((S)A / (S)B)) \
	OP(REM, !B ? A : B == (U)-1 ? (U)0 : (U)((S)A % (S)B)) \
	OP(AADDU, (U)RND((WU)A + (WU)B, 1)) \
	OP(AADD, (U)RND((WS)(S)A + (WS)(S)B, 1)) \
	OP(ASUBU, (U)RND((WU)((WU)A - (WU)B), 1)) \
	OP(ASUB, (U)RND((WS)(S)A - (WS)(S)B, 1)) \
	OP(SSRL, (U)RND(A, B & (BITS - 1))) OP(SSRA, (U)RND((S)A, B & (BITS - 1)))

/* The same, and SAT is set when the result was saturated. */
#define RV_VSAT(OP) \
	OP(SADDU, ({ U r_ = (U)((MU)A + B), o_ = r_ < A; SAT |= o_; o_ ? (U)-1 : r_; })) \
	OP(SSUBU, ({ U o_ = A < B; SAT |= o_; o_ ? (U)0 : (U)((MU)A - B); })) \
	OP(SADD, ({ U r_ = (U)((MU)A + B), o_ = (U)((U)((r_ ^ A) & (r_ ^ B)) >> (BITS - 1)); \
		    SAT |= o_; o_ ? (U)(((MU)A >> (BITS - 1)) + SMAX) : r_; })) \
	OP(SSUB, ({ U r_ = (U)((MU)A - B), o_ = (U)((U)((A ^ B) & (r_ ^ A)) >> (BITS - 1)); \
		    SAT |= o_; o_ ? (U)(((MU)A >> (BITS - 1)) + SMAX) : r_; })) \
	OP(SMUL, ({ U o_ = A == B && A == (U)((MU)SMAX + 1); WS p_ = (WS)(S)A * (WS)(S)B; \
		    SAT |= o_; o_ ? (U)SMAX : (U)RND(p_, BITS - 1); }))

/* vd is an operand too */
#define RV_VTRI(OP) \
	OP(MACC, (U)(C + (MU)A * B)) OP(NMSAC, (U)(C - (MU)A * B)) \
	OP(MADD, (U)((MU)C * B + A)) OP(NMSUB, (U)(A - (MU)C * B))

/* WU from U and U */
#define RV_VWIDE(OP) \
	OP(WADDU, (WU)((WU)A + (WU)B)) OP(WADD, (WU)((WS)(S)A + (WS)(S)B)) \
	OP(WSUBU, (WU)((WU)A - (WU)B)) OP(WSUB, (WU)((WS)(S)A - (WS)(S)B)) \
	OP(WMULU, (WU)((WU)A * (WU)B)) OP(WMUL, (WU)((WS)(S)A * (WS)(S)B)) \
	OP(WMULSU, (WU)((WS)(S)A * (WS)(WU)B))

/* WU from WU and U */
#define RV_VWIDEW(OP) \
	OP(WADDU_W, (WU)(A + (WMU)B)) OP(WADD_W, (WU)(A + (WMU)(WS)(S)B)) \
	OP(WSUBU_W, (WU)(A - (WMU)B)) OP(WSUB_W, (WU)(A - (WMU)(WS)(S)B))

/* WU from U and U, and vd */
#define RV_VWTRI(OP) \
	OP(WMACCU, (WU)(C + (WMU)(WU)((WU)A * (WU)B))) \
	OP(WMACC, (WU)(C + (WMU)((WS)(S)A * (WS)(S)B))) \
	OP(WMACCSU, (WU)(C + (WMU)((WS)(WU)A * (WS)(S)B))) \
	OP(WMACCUS, (WU)(C + (WMU)((WS)(S)A * (WS)(WU)B)))

/* U from WU and U */
#define RV_VNARROW(OP) \
	OP(NSRL, (U)(A >> (B & (2 * BITS - 1)))) OP(NSRA, (U)((WS)A >> (B & (2 * BITS - 1)))) \
	OP(NCLIPU, ({ WU r_ = (WU)RND(A, B & (2 * BITS - 1)); U o_ = r_ > (U)-1; \
		      SAT |= o_; o_ ? (U)-1 : (U)r_; })) \
	OP(NCLIP, ({ WS r_ = (WS)RND((WS)A, B & (2 * BITS - 1)); U o_ = (S)r_ != r_; \
		     SAT |= o_; o_ ? (r_ < 0 ? (U)(SMAX + 1u) : (U)SMAX) : (U)r_; }))

/* With the mask register as an operand */
#define RV_VCARRY(OP) \
	OP(ADC, (U)((MU)A + B + M)) OP(SBC, (U)((MU)A - B - M)) OP(MERGE, M ? B : A)

/* A byte, 0 or 1 */
#define RV_VCMP(OP) \
	OP(MSEQ, A == B) OP(MSNE, A != B) OP(MSLTU, A < B) OP(MSLT, (S)A < (S)B) \
	OP(MSLEU, A <= B) OP(MSLE, (S)A <= (S)B) OP(MSGTU, A > B) OP(MSGT, (S)A > (S)B)
#define RV_VCMPC(OP) \
	OP(MADC, ({ U r_ = (U)((MU)A + B); U s_ = (U)((MU)r_ + M); (r_ < A) | (s_ < r_); })) \
	OP(MSBC, A < B || (A == B && M))

/* Floating point; F is the type, A B C are values */
#define RV_VFBIN(OP) \
	OP(FADD, A + B) OP(FSUB, A - B) OP(FRSUB, B - A) OP(FMUL, A * B) OP(FDIV, A / B) \
	OP(FRDIV, B / A)
/* factors, sign of the product, addend and its sign (as operators and for vectors) */
#define RV_VFTRI(OP) \
	OP(FMACC, A, B, +, VPOS, C, +, VPOS) OP(FNMACC, A, B, -, VNEG, C, -, VNEG) \
	OP(FMSAC, A, B, +, VPOS, C, -, VNEG) OP(FNMSAC, A, B, -, VNEG, C, +, VPOS) \
	OP(FMADD, C, B, +, VPOS, A, +, VPOS) OP(FNMADD, C, B, -, VNEG, A, -, VNEG) \
	OP(FMSUB, C, B, +, VPOS, A, -, VNEG) OP(FNMSUB, C, B, -, VNEG, A, +, VPOS)
/* in bits */
#define RV_VFBITS(OP) \
	OP(FSGNJ, (A & ABS) | (B & (U)~ABS)) OP(FSGNJN, (A & ABS) | ((U)~B & (U)~ABS)) \
	OP(FSGNJX, A ^ (B & (U)~ABS)) \
	OP(FMIN, FPICK(<)) OP(FMAX, FPICK(>))
#define RV_VFCMP(OP) \
	OP(MFEQ, A == B, 0) OP(MFNE, A != B, 0) OP(MFLT, A < B, 1) OP(MFLE, A <= B, 1) \
	OP(MFGT, A > B, 1) OP(MFGE, A >= B, 1)

enum rv_vop_id {
#define OP(id, ...) RV_V_##id,
	RV_VBIN(OP) RV_VSAT(OP) RV_VTRI(OP) RV_VWIDE(OP) RV_VWIDEW(OP) RV_VWTRI(OP)
	RV_VNARROW(OP) RV_VCARRY(OP) RV_VCMP(OP) RV_VCMPC(OP)
	RV_VFBIN(OP) RV_VFTRI(OP) RV_VFBITS(OP) RV_VFCMP(OP)
#undef OP
	RV_V_FSQRT,
	RV_VOP_COUNT
};

/* clang-format on */

#endif /* DSA_CORE_RV_VEC_OPS_H */
