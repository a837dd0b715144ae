#include "textflag.h"

// QUARTER sets the bits of 16 bytes in ends: of a byte that is at most '"', nothing
// is left when that is taken away from it.
#define QUARTER(offset, vector, ends) \
	MOVOU offset(SI), vector; \
	PSUBUSB X0, vector; \
	PCMPEQB X1, vector; \
	PMOVMSKB vector, ends

// func markEnds(b []byte, words []uint64)
TEXT ·markEnds(SB), NOSPLIT, $0-48
	MOVQ b_base+0(FP), SI
	MOVQ words_base+24(FP), DI
	MOVQ words_len+32(FP), CX
	MOVQ $0x2222222222222222, AX // '"'
	MOVQ AX, X0
	PUNPCKLQDQ X0, X0
	PXOR X1, X1
	TESTQ CX, CX
	JZ done
block:
	QUARTER(0, X2, AX)
	QUARTER(16, X3, BX)
	QUARTER(32, X4, DX)
	QUARTER(48, X5, R8)
	SHLQ $16, BX
	SHLQ $32, DX
	SHLQ $48, R8
	ORQ  BX, AX
	ORQ  R8, DX
	ORQ  DX, AX
	MOVQ AX, (DI)
	ADDQ $64, SI
	ADDQ $8, DI
	DECQ CX
	JNZ  block
done:
	RET
