package codec

import (
	"encoding/binary"
	"math/bits"
)

// The quick decoder accepts lock commands as clients spell them: verb and options in upper case,
// one blank between words, no quotes. For all other input it returns 0, and the command may be half
// filled. The grammar decodes such input. Where the quick decoder accepts a command, the grammar
// gives the same one. The invariants build compares them each time.

// First eight bytes of the lines that quickLine accepts, in the order of memory.
const (
	acquireHead   = 0x2045524955514341 // "ACQUIRE "
	releaseHead   = 0x20455341454c4552 // "RELEASE "
	heartbeatHead = 0x4145425452414548 // "HEARTBEA"
	heartbeatTail = 0x2054             // "T "
)

// lineReach is how many bytes shortLine may read.
const lineReach = 96

// more marks a result of shortLine if a blank ends the last word: options follow.
const more = 1 << 63

// quickLine decodes the line at b[at] and returns where it ends.
func quickLine(b []byte, at uint, p *LockCommand) (end uint) {
	if at+lineReach <= uint(cap(b)) {
		end = shortLine((*[lineReach]byte)(b[at:at+lineReach]), at, p)
		switch {
		case end != 0 && end <= uint(len(b)):
			return end
		case end&more != 0:
			if end = quickOptions(b, end&^more, p); end != 0 {
				p.End = uint32(end)
			}
			return end
		}
	}
	return longLine(b, at, p)
}

// longLine is quickLine for words of any length.
func longLine(b []byte, at uint, p *LockCommand) (end uint) {
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
	name := wordEnd8(b, start)
	if name >= uint(len(b)) || b[name] != ' ' || name-start-1 >= NameMax {
		return 0
	}
	service := wordEnd8(b, name+1)
	if service >= uint(len(b)) || service-name-2 >= ServiceMax {
		return 0
	}
	end = service
	if p.Verb == VerbAcquire {
		wait, after := quickNumber(b, service+1)
		if b[service] != ' ' || after == 0 || wait > WaitMaxMs {
			return 0
		}
		p.WaitMs, end = uint32(wait), after
	}
	p.bare(FormText)
	p.nameAt, p.nameLen = uint32(start), uint32(name-start)
	p.serviceAt, p.serviceLen = uint32(name+1), uint32(service-name-1)
	if end < uint(len(b)) && b[end] == ' ' {
		end = quickOptions(b, end+1, p)
	} else {
		end = lineEnd(b, end)
	}
	p.End = uint32(end)
	p.copyText(b)
	return end
}

// lineEnd returns the index after the end of line at b[at], or 0 if there is none.
func lineEnd(b []byte, at uint) (end uint) {
	if at < uint(len(b)) && b[at] == '\r' {
		at++
	}
	if at >= uint(len(b)) || b[at] != '\n' {
		return 0
	}
	return at + 1
}

// quickTagged is quickLine for a line that begins with a tag.
func quickTagged(b []byte, at uint, p *LockCommand) (end uint) {
	start := at + 1
	x, _ := eightBytes(b, start)
	size := uint(bits.TrailingZeros64(notDigits(x^zeros))) / 8 // most clients count
	if byte(x>>(8*size%64)) != ' ' {
		size = tagSize(b, start)
	}
	if size-1 >= TagMax {
		return 0
	}
	end = quickLine(b, start+size+1, p)
	p.tagLen, p.tagAt = uint8(size), uint32(start)
	return end
}

// tagSize returns the length of the tag at b[at], 0 if no blank follows it.
func tagSize(b []byte, at uint) (size uint) {
	for at+size < uint(len(b)) && inTag[b[at+size]] {
		size++
	}
	if at+size >= uint(len(b)) || b[at+size] != ' ' {
		return 0
	}
	return size
}

// inTag has the bytes that a tag may have.
var inTag = func() (set [256]bool) {
	for c := range set {
		set[c] = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
	}
	return set
}()

// wordEnd8 returns the index of the first byte from at on that is below '#', or len(b). All bytes
// that end or quote a word are below '#'. It looks at eight bytes at a time. The borrows of the
// subtraction can mark bytes wrongly, but only after a right one.
func wordEnd8(b []byte, at uint) uint {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for rest := b[min(at, uint(len(b))):]; len(rest) >= 8; rest = rest[8:] {
		x := binary.LittleEndian.Uint64(rest)
		if low := (x - ones*'#') &^ x & tops; low != 0 {
			return at + uint(bits.TrailingZeros64(low))/8
		}
		at += 8
	}
	for at < uint(len(b)) && b[at] >= '#' {
		at++
	}
	return at
}
