package codec

import (
	"encoding/binary"
	"math/bits"
)

// First eight bytes of the lines that plainHold knows, as they lie in memory.
const (
	acquireHead   = 0x2045524955514341 // "ACQUIRE "
	releaseHead   = 0x20455341454c4552 // "RELEASE "
	heartbeatHead = 0x4145425452414548 // "HEARTBEA"
)

// plainHold decodes the three commands of the basic protocol in the form that
// clients mostly send: in upper case, one blank between words, nothing quoted,
// no options. What looks different in any way is left to text, which must come
// to the same result: n is 0 then, and cmd may be half filled.
func plainHold(b []byte, cmd *Command) (n int) {
	if len(b) < 8 {
		return 0
	}
	at := 8
	switch binary.LittleEndian.Uint64(b) {
	case acquireHead:
		cmd.Verb = VerbAcquire
	case releaseHead:
		cmd.Verb = VerbRelease
	case heartbeatHead:
		if len(b) < 10 || b[8] != 'T' || b[9] != ' ' {
			return 0
		}
		cmd.Verb = VerbHeartbeat
		at = 10
	default:
		return 0
	}
	name := plainWord(b, at)
	if name >= len(b) || b[name] != ' ' || uint(name-at-1) >= NameMax {
		return 0
	}
	service := plainWord(b, name+1)
	if service >= len(b) || uint(service-name-2) >= ServiceMax {
		return 0
	}
	end := service
	if cmd.Verb == VerbAcquire {
		if end = plainWait(b, service, cmd); end == 0 {
			return 0
		}
	}
	if end < len(b) && b[end] == '\r' {
		end++
	}
	if end >= len(b) || b[end] != '\n' {
		return 0
	}
	cmd.Form = FormText
	cmd.Name, cmd.Service = b[at:name:name], b[name+1:service:service]
	return end + 1
}

// plainWait reads the timeout_ms behind the blank at b[at], and returns the index
// behind it; 0 if it is no number within its range.
func plainWait(b []byte, at int, cmd *Command) (end int) {
	const digitsMax = 8
	if b[at] != ' ' {
		return 0
	}
	v := uint32(0)
	for end = at + 1; end < len(b) && end <= at+digitsMax; end++ {
		c := b[end] - '0'
		if c > 9 {
			break
		}
		v = v*10 + uint32(c)
	}
	if end == at+1 || v > WaitMaxMs {
		return 0
	}
	cmd.WaitMs = v
	return end
}

// plainWord returns the index of the first byte at or behind at that is below
// '#', as all that end or quote a word are, or len(b). It looks at eight at a time:
// what the subtraction borrows can mark bytes wrongly, but only behind a right one.
func plainWord(b []byte, at int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; len(b)-at >= 8; at += 8 {
		x := binary.LittleEndian.Uint64(b[at:])
		if low := (x - ones*'#') &^ x & tops; low != 0 {
			return at + bits.TrailingZeros64(low)/8
		}
	}
	for at < len(b) && b[at] >= '#' {
		at++
	}
	return at
}
