package main

import (
	"crypto/md5"
	"encoding/binary"

	"dlm/bench"
	"dlm/codec"
)

// slock is driven through its binary protocol, the faster of its two: frames of fixed length,
// numbers with the low byte first. Requests may be pipelined.
//
//	request  0 magic, version, command | 3 request id | 19 flags, database | 21 lock id | 37 key |
//	         53 time-out, its flags | 57 lease, its flags | 61 most holders - 1, most re-entries
//	reply    0 magic, version, command | 3 request id | 19 result | 20 flags, ... (the request's)
const (
	slockFrameLen = 64
	slockMagic    = 0x56
	slockVersion  = 1

	slockCommandAt = 2
	slockRequestAt = 3
	slockLockAt    = 21
	slockKeyAt     = 37
	slockWaitAt    = 53
	slockLeaseAt   = 57
	slockResultAt  = 19

	slockLock   = 1
	slockUnlock = 2
	// slockLeaseSec is the lease: the default lease of dlm. slock writes locks to its file once
	// they are held for a second, which none is here.
	slockLeaseSec = 30
)

// slockProtocol numbers its requests; it serves one thread.
func slockProtocol() *bench.Protocol {
	request, locked, unlocked := uint64(0), slockAnswer(codec.VerbAcquire), slockAnswer(codec.VerbRelease)
	return &bench.Protocol{
		Name: "slock",
		Append: func(dst []byte, cmd *codec.Command) []byte {
			request++
			return slockRequest(dst, request, cmd)
		},
		Answer: func(v codec.Verb) *bench.Pattern {
			if v == codec.VerbAcquire {
				return locked
			}
			return unlocked
		},
	}
}

// slockAnswer is a frame that repeats the command and the request id, and has the result 0.
func slockAnswer(v codec.Verb) *bench.Pattern {
	head := string([]byte{slockMagic, slockVersion, slockCommand(v)})
	return &bench.Pattern{Text: "a frame with result 0", Pieces: []bench.Piece{
		{Literal: head, Any: slockResultAt - len(head)}, {Literal: "\x00", Any: slockFrameLen - slockResultAt - 1}}}
}

func slockCommand(v codec.Verb) byte {
	if v == codec.VerbAcquire {
		return slockLock
	}
	return slockUnlock
}

// slockRequest appends a request. Names and owners become keys of 16 bytes as slock's own clients
// make them of longer names.
func slockRequest(dst []byte, request uint64, cmd *codec.Command) []byte {
	var frame [slockFrameLen]byte
	frame[0], frame[1], frame[slockCommandAt] = slockMagic, slockVersion, slockCommand(cmd.Verb)
	binary.LittleEndian.PutUint64(frame[slockRequestAt:], request)
	key, lock := md5.Sum(cmd.Name), md5.Sum(cmd.Service)
	copy(frame[slockKeyAt:], key[:])
	copy(frame[slockLockAt:], lock[:])
	if cmd.Verb == codec.VerbAcquire {
		binary.LittleEndian.PutUint16(frame[slockWaitAt:], uint16(cmd.WaitMs/1000))
		binary.LittleEndian.PutUint16(frame[slockLeaseAt:], slockLeaseSec)
	}
	return append(dst, frame[:]...)
}
