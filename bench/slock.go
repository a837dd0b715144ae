package bench

import (
	"crypto/md5"
	"encoding/binary"
)

// slock is driven through its binary protocol, the faster of its two: frames
// of fixed length, numbers with the low byte first. Requests may be pipelined.
//
//	request  0 magic, version, command | 3 request id | 19 flags, database | 21 lock id | 37 lock key |
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
	// slockLeaseSec is the lease: the default lease of our server. slock writes
	// locks to its file once they are held for a second, which none is here.
	slockLeaseSec = 30
)

// slockRequest appends a request. Names and owners become keys of 16 bytes as
// slock's own clients make them of longer names.
func slockRequest(dst []byte, command byte, request uint64, name, owner string, waitMs int) []byte {
	var frame [slockFrameLen]byte
	frame[0], frame[1], frame[slockCommandAt] = slockMagic, slockVersion, command
	binary.LittleEndian.PutUint64(frame[slockRequestAt:], request)
	key, lock := md5.Sum([]byte(name)), md5.Sum([]byte(owner))
	copy(frame[slockKeyAt:], key[:])
	copy(frame[slockLockAt:], lock[:])
	if command == slockLock {
		binary.LittleEndian.PutUint16(frame[slockWaitAt:], uint16(waitMs/1000))
		binary.LittleEndian.PutUint16(frame[slockLeaseAt:], slockLeaseSec)
	}
	return append(dst, frame[:]...)
}

// slockLen returns the length of the reply at the beginning of in, or 0 if it
// has not arrived whole.
func slockLen(in []byte) (int, error) {
	if len(in) > 0 && in[0] != slockMagic {
		return 0, wrongReply(in, "a frame of slock")
	}
	if len(in) < slockFrameLen {
		return 0, nil
	}
	return slockFrameLen, nil
}

// slockSucceeded tells whether a reply answers a verb with success.
func slockSucceeded(v verb, reply []byte) bool {
	command := byte(slockUnlock)
	if v == verbAcquire {
		command = slockLock
	}
	return reply[slockCommandAt] == command && reply[slockResultAt] == 0
}
