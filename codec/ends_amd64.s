#include "textflag.h"

// QUARTER sets the bits of 16 bytes in ends: a byte is at most '"' if it is the
// smaller one of both.
#define QUARTER(offset, ends) \
	MOVOU offset(SI), X1; \
	MOVO X1, X2; \
	PMINUB X0, X2; \
	PCMPEQB X1, X2; \
	PMOVMSKB X2, ends

// func wordEnds(b *[endsLen]byte) uint64
TEXT ·wordEnds(SB), NOSPLIT, $0-16
	MOVQ b+0(FP), SI
	MOVQ $0x2222222222222222, AX // '"'
	MOVQ AX, X0
	PUNPCKLQDQ X0, X0
	QUARTER(0, AX)
	QUARTER(16, BX)
	QUARTER(32, CX)
	QUARTER(48, DX)
	SHLQ $16, BX
	SHLQ $32, CX
	SHLQ $48, DX
	ORQ  BX, AX
	ORQ  DX, CX
	ORQ  CX, AX
	MOVQ AX, ret+8(FP)
	RET
