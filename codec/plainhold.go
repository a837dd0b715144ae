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
	heartbeatTail = 0x2054             // "T "
)

// lineReach is how much shortLine looks at.
const lineReach = 96

// plainHold decodes the three commands of the basic protocol in the form that
// clients mostly send: in upper case, one blank between words, nothing quoted,
// no options. It looks at b from at on and returns where the command ends. What looks different
// in any way is left to text, which must come to the same result: n is 0
// then, and p may be half filled.
func plainHold(b []byte, at uint, p *Plain) (n uint) {
	if at+lineReach <= uint(cap(b)) {
		if n = shortLine((*[lineReach]byte)(b[at:at+lineReach]), at, p); n != 0 && n <= uint(len(b)) {
			return n
		}
	}
	return longHold(b, at, p)
}

// longHold is plainHold for words of any length.
func longHold(b []byte, at uint, p *Plain) (n uint) {
	if at+8 > uint(len(b)) {
		return 0
	}
	start := at + 8
	switch binary.LittleEndian.Uint64(b[at:]) {
	case acquireHead:
		p.Verb = VerbAcquire
	case releaseHead:
		p.Verb = VerbRelease
	case heartbeatHead:
		p.Verb = VerbHeartbeat
		if start += 2; start > uint(len(b)) || binary.LittleEndian.Uint16(b[at+8:]) != heartbeatTail {
			return 0
		}
	default:
		return 0
	}
	name := plainWord(b, start)
	if name >= uint(len(b)) || b[name] != ' ' || name-start-1 >= NameMax {
		return 0
	}
	service := plainWord(b, name+1)
	if service >= uint(len(b)) || service-name-2 >= ServiceMax {
		return 0
	}
	end := service
	if p.Verb == VerbAcquire {
		if end = plainWait(b, service, p); end == 0 {
			return 0
		}
	}
	if end < uint(len(b)) && b[end] == '\r' {
		end++
	}
	if end >= uint(len(b)) || b[end] != '\n' {
		return 0
	}
	p.Form, p.tagLen = FormText, 0
	p.nameAt, p.nameLen = uint32(start), uint32(name-start)
	p.serviceAt, p.serviceLen = uint32(name+1), uint32(service-name-1)
	p.End = uint32(end + 1)
	p.copyText(b)
	return end + 1
}

// plainTagged is plainHold for a line that begins with a tag.
func plainTagged(b []byte, at uint, p *Plain) (n uint) {
	tag, verb := plainTag(b, at)
	if verb == 0 {
		return 0
	}
	n = plainHold(b, verb, p)
	p.tagLen = tag
	return n
}

// plainTag looks for a tag and one blank behind the @ at b[at]. It returns the length of the tag and
// where the verb begins, which is within b; 0 if there is none.
func plainTag(b []byte, at uint) (size uint8, verb uint) {
	start := at + 1
	end := start
	for end < uint(len(b)) && inTag[b[end]] {
		end++
	}
	if end == start || end-start > TagMax || end+1 >= uint(len(b)) || b[end] != ' ' {
		return 0, 0
	}
	return uint8(end - start), end + 1
}

// inTag has the bytes that a tag may have.
var inTag = func() (set [256]bool) {
	for c := range set {
		set[c] = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
	}
	return set
}()

// plainWait reads the timeout_ms behind the blank at b[at], and returns the index
// behind it; 0 if it is no number within its range.
func plainWait(b []byte, at uint, p *Plain) (end uint) {
	const digitsMax = 8
	if b[at] != ' ' {
		return 0
	}
	v := uint32(0)
	for end = at + 1; end < uint(len(b)) && end <= at+digitsMax; end++ {
		c := b[end] - '0'
		if c > 9 {
			break
		}
		v = v*10 + uint32(c)
	}
	if end == at+1 || v > WaitMaxMs {
		return 0
	}
	p.WaitMs = v
	return end
}

// plainWord returns the index of the first byte at or behind at that is below
// '#', as all that end or quote a word are, or len(b). It looks at eight at a time:
// what the subtraction borrows can mark bytes wrongly, but only behind a right one.
func plainWord(b []byte, at uint) uint {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; at+8 <= uint(len(b)); at += 8 {
		x := binary.LittleEndian.Uint64(b[at:])
		if low := (x - ones*'#') &^ x & tops; low != 0 {
			return at + uint(bits.TrailingZeros64(low))/8
		}
	}
	for at < uint(len(b)) && b[at] >= '#' {
		at++
	}
	return at
}
