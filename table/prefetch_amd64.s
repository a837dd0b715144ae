//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// The slots come first in index.Index; a test holds these offsets.
#define slotsPtr (Shard_index)
#define slotRec 4
#define chunksPtr (Shard_locks+lockSlab_chunks)

// SHARD sets hash to hashes[BX], and shard to the address of its shard.
#define SHARD(hash, shard) \
	MOVQ (SI)(BX*8), hash; \
	MOVQ hash, shard; \
	SHRQ $56, shard; \
	IMULQ $Shard__size, shard; \
	ADDQ DI, shard

// func prefetch(t *Table, hashes []uint64)
//
// Three passes, so that what a pass reads was prefetched by the one before.
TEXT ·prefetch(SB), NOSPLIT, $0-32
	MOVQ  t+0(FP), DI // the shards are first in the table
	MOVQ  hashes_base+8(FP), SI
	MOVQ  hashes_len+16(FP), CX
	TESTQ CX, CX
	JZ    done

	XORL BX, BX
shards:
	SHARD(R8, AX)
	PREFETCHT0 (AX)
	PREFETCHT0 64(AX)
	INCQ BX
	CMPQ BX, CX
	JLT  shards

	XORL BX, BX
slots:
	SHARD(R8, AX)
	MOVQ Shard_reach(AX), R10 // before slotsPtr
	MOVQ slotsPtr(AX), R9
	ANDL R10, R8
	PREFETCHT0 (R9)(R8*8)
	INCQ BX
	CMPQ BX, CX
	JLT  slots

	XORL BX, BX
records:
	SHARD(R8, AX)
	MOVQ  Shard_reach(AX), R10 // before slotsPtr and chunksPtr
	TESTQ R10, R10
	JZ    next
	MOVQ  slotsPtr(AX), R9
	CMPQ  Shard_reach(AX), R10 // after slotsPtr: are these the slots of that reach?
	JNE   next
	ANDL  R10, R8
	MOVL  slotRec(R9)(R8*8), R8
	SUBL  $1, R8
	JCC   record
	MOVL  (Shard_locks+lockSlab_free)(AX), R8
record:
	MOVL  R8, R11
	SHRL  $const_lockChunkBits, R8
	SHRQ  $32, R10
	ANDL  $const_reachChunks, R10
	CMPQ  R8, R10
	JCC   next
	MOVQ  chunksPtr(AX), R9
	MOVQ  (R9)(R8*8), R9
	ANDL  $const_lockChunkMask, R11
	IMULQ $lock__size, R11
	PREFETCHT0 (R9)(R11*1)
	PREFETCHT0 64(R9)(R11*1)
next:
	INCQ BX
	CMPQ BX, CX
	JLT  records
done:
	RET
