//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// MARKS sets the bits of 16 bytes in ends: of a byte that is at most '"', nothing
// is left when that is taken away from it.
#define MARKS(offset, vector, ends) \
	MOVOU offset(SI), vector; \
	PSUBUSB X0, vector; \
	PCMPEQB X1, vector; \
	PMOVMSKB vector, ends

// END takes the place of the next end of a word out of R8. If there is none, there are more than 64
// bytes. On processors without TZCNT it is BSF, which does the same.
#define END(place) \
	TESTQ R8, R8; \
	JZ other; \
	TZCNTQ R8, place; \
	LEAQ -1(R8), AX; \
	ANDQ AX, R8

// func shortLine(b *[lineReach]byte, at uint, p *LockCommand) (end uint)
TEXT ·shortLine(SB), NOSPLIT, $0-32
	MOVQ b+0(FP), SI
	MOVQ p+16(FP), DI

	// R8 marks the ends of words.
	MOVQ $0x2222222222222222, AX // '"'
	MOVQ AX, X0
	PUNPCKLQDQ X0, X0
	PXOR X1, X1
	MARKS(0, X2, R8)
	MARKS(16, X3, R9)
	MARKS(32, X4, R10)
	MARKS(48, X5, R11)
	SHLQ $16, R9
	SHLQ $32, R10
	SHLQ $48, R11
	ORQ  R9, R8
	ORQ  R11, R10
	ORQ  R10, R8

	// BX is the verb, DX the place of the name.
	MOVQ (SI), AX
	MOVL $const_VerbAcquire, BX
	MOVL $8, DX
	MOVQ $const_acquireHead, CX
	CMPQ AX, CX
	JEQ  words
	MOVL $const_VerbRelease, BX
	MOVQ $const_releaseHead, CX
	CMPQ AX, CX
	JEQ  words
	MOVL $const_VerbHeartbeat, BX
	MOVL $10, DX
	MOVQ $const_heartbeatHead, CX
	CMPQ AX, CX
	JNE  other
	CMPW 8(SI), $const_heartbeatTail
	JNE  other

words:
	LEAQ -1(R8), AX // the end of the verb
	ANDQ AX, R8
	END(R9)         // of the name
	END(R10)        // of the service
	MOVL R9, R11
	SUBL DX, R11    // length of the name
	LEAL -1(R11), AX
	CMPL AX, $const_textNameMax
	JAE  other
	MOVL R10, R12
	SUBL R9, R12
	DECL R12        // of the service
	LEAL -1(R12), CX
	CMPL CX, $const_half
	JAE  other
	CMPB (SI)(R9*1), $' '
	JNE  other

	// The text: the name, its last word with zeros at the end, the service.
	MOVOU (SI)(DX*1), X2
	MOVOU 16(SI)(DX*1), X3
	MOVOU 1(SI)(R9*1), X4
	MOVOU 17(SI)(R9*1), X5
	MOVOU X2, LockCommand_Text(DI)
	MOVOU X3, (LockCommand_Text+16)(DI)
	CMPL  R11, $const_half
	JHI   longName

service:
	ANDL  $~7, AX // the last word
	IMUL3L $-8, R11, CX
	MOVQ  $-1, R13
	SHRQ  CX, R13
	ANDQ  R13, LockCommand_Text(DI)(AX*1)
	MOVOU X4, (LockCommand_Text+8)(DI)(AX*1)
	MOVOU X5, (LockCommand_Text+24)(DI)(AX*1)

	// R10 is the end of the line.
	CMPL BX, $const_VerbAcquire
	JNE  newline
	CMPB (SI)(R10*1), $' '
	JNE  other
	MOVL R10, R13
	END(R10)
	MOVL R10, CX
	SUBL R13, CX // one more than digits
	LEAL -2(CX), AX
	CMPL AX, $6
	JA   other
	// The digits are moved to the end of eight bytes, after zeros, and become numbers of two, four
	// and eight digits.
	MOVQ 1(SI)(R13*1), AX
	MOVQ $0x3030303030303030, R13
	XORQ R13, AX
	NEGL CX
	LEAL 9(CX), CX // bytes that are none
	SHLL $3, CX
	SHLQ CX, AX
	MOVQ $0x7676767676767676, R13 // carries into the top bit from 10 on
	ADDQ AX, R13
	ORQ  AX, R13
	MOVQ $0x8080808080808080, CX
	TESTQ CX, R13
	JNZ  other
	LEAQ (AX)(AX*4), CX
	ADDQ CX, CX
	SHRQ $8, AX
	ADDQ CX, AX
	MOVQ $0x00ff00ff00ff00ff, CX
	ANDQ CX, AX
	MOVQ AX, CX
	SHRQ $16, CX
	IMUL3Q $100, AX, AX
	ADDQ CX, AX
	MOVQ $0x0000ffff0000ffff, CX
	ANDQ CX, AX
	MOVQ AX, CX
	SHRQ $32, CX
	IMUL3L $10000, AX, AX
	ADDL CX, AX
	MOVL AX, LockCommand_WaitMs(DI)

newline:
	XORL R8, R8 // marks that options follow
	CMPB (SI)(R10*1), $'\n'
	JEQ  whole
	CMPB (SI)(R10*1), $' '
	JEQ  options
	CMPW (SI)(R10*1), $0x0a0d // \r\n
	JNE  other
	INCL R10

whole:
	MOVQ at+8(FP), AX
	LEAL 1(AX)(R10*1), R10
	MOVL R10, LockCommand_End(DI)
	ADDL AX, DX
	MOVL DX, LockCommand_nameAt(DI)
	MOVL R11, LockCommand_nameLen(DI)
	LEAL 1(AX)(R9*1), R9
	MOVL R9, LockCommand_serviceAt(DI)
	MOVL R12, LockCommand_serviceLen(DI)
	ORL  $const_lineWhere, BX
	MOVQ BX, LockCommand_Verb(DI) // and Form, tagLen, where, Opts
	MOVL $0, LockCommand_TTLMs(DI)
	ORQ  R8, R10
	MOVQ R10, end+24(FP)
	RET

longName:
	LEAL  7(R11), CX
	ANDL  $~7, CX
	ADDL  R12, CX
	CMPL  CX, $const_TextLen // the service must fit, and what is copied after it is overwritten
	JHI   other
	MOVOU 32(SI)(DX*1), X2
	MOVOU 48(SI)(DX*1), X3
	MOVOU X2, (LockCommand_Text+32)(DI)
	MOVOU X3, (LockCommand_Text+48)(DI)
	JMP   service

options:
	MOVQ $const_more, R8
	JMP  whole

other:
	MOVQ $0, end+24(FP)
	RET
