package codec

import "encoding/binary"

// First 16 bytes of the arrays that plainHoldRESP knows.
const (
	array3Head     = 0x0a0d37240a0d332a // "*3\r\n$7\r\n"
	array4Head     = 0x0a0d37240a0d342a // "*4\r\n$7\r\n"
	array3LongHead = 0x0a0d39240a0d332a // "*3\r\n$9\r\n"
	acquireBulk    = 0x0d45524955514341 // "ACQUIRE\r"
	releaseBulk    = 0x0d455341454c4552 // "RELEASE\r"
)

// plainHoldRESP is plainHold for arrays of bulk strings.
func plainHoldRESP(b []byte, at uint, p *Plain) (n uint) {
	if at+shortReach <= uint(cap(b)) {
		if n = shortArray((*[shortReach]byte)(b[at:at+shortReach]), at, p); n != 0 && n <= uint(len(b)) {
			return n
		}
	}
	return longHoldRESP(b, at, p)
}

// shortReach is how much shortArray looks at: eight bytes from any place on of what is masked by shortMask.
const (
	shortMask  = 127
	shortReach = shortMask + 1 + 8
)

// shortArray is plainHoldRESP for an array with short words, the input from at on, and leaves all else to it: end is 0
// then, and p may be half filled. Bytes of b may be behind the end of the input: the caller sees it from end.
func shortArray(b *[shortReach]byte, at uint, p *Plain) (end uint) {
	head, verb := binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])
	end = 15 // of the verb, at the \r\n behind it
	switch {
	case head == array4Head && verb == acquireBulk:
		p.Verb = VerbAcquire
	case head == array3Head && verb == releaseBulk:
		p.Verb = VerbRelease
	case head == array3LongHead && verb == heartbeatHead && b[16] == 'T':
		p.Verb = VerbHeartbeat
		end = 17
	default:
		return 0
	}
	skip, nameLen := bulkHead(binary.LittleEndian.Uint64(b[end:]))
	name := end + skip
	end = name + nameLen
	skip, serviceLen := bulkHead(binary.LittleEndian.Uint64(b[end&shortMask:]))
	service := end + skip
	end = service + serviceLen
	if nameLen-1 >= half || serviceLen-1 >= half {
		return 0
	}
	if p.Verb == VerbAcquire {
		skip, digits := bulkHead(binary.LittleEndian.Uint64(b[end&shortMask:]))
		if digits-1 > 6 {
			return 0
		}
		v := uint32(0)
		for end += skip; digits > 0; digits-- {
			c := b[end&shortMask] - '0'
			if c > 9 {
				return 0
			}
			v = v*10 + uint32(c)
			end++
		}
		p.WaitMs = v
	}
	if binary.LittleEndian.Uint16(b[end&shortMask:]) != bulkEnd {
		return 0
	}
	p.Form, p.tagLen, p.Short = FormRESP, 0, true
	p.nameAt, p.nameLen = uint32(at+name), uint32(nameLen)
	p.serviceAt, p.serviceLen = uint32(at+service), uint32(serviceLen)
	p.Text.set((*[half]byte)(b[name%half:]), (*[half]byte)(b[service%(2*half):]), nameLen)
	end += at + 2
	p.End = uint32(end)
	return end
}

// longHoldRESP is plainHoldRESP for words of up to 99 bytes.
func longHoldRESP(b []byte, at uint, p *Plain) (n uint) {
	const headLen = 24
	if at+headLen > uint(len(b)) {
		return 0
	}
	end := at + 15                                // of the verb, at the \r\n behind it
	first := (*[headLen]byte)(b[at : at+headLen]) // an array costs less than a slice of it
	head, verb := binary.LittleEndian.Uint64(first[:]), binary.LittleEndian.Uint64(first[8:])
	switch {
	case head == array4Head && verb == acquireBulk:
		p.Verb = VerbAcquire
	case head == array3Head && verb == releaseBulk:
		p.Verb = VerbRelease
	case head == array3LongHead && verb == heartbeatHead && first[16] == 'T':
		p.Verb = VerbHeartbeat
		end = at + 17
	default:
		return 0
	}
	skip, nameLen := bulkHead(eight(b, end))
	name := end + skip
	nameEnd := name + nameLen
	skip, serviceLen := bulkHead(eight(b, nameEnd))
	service := nameEnd + skip
	end = service + serviceLen
	if nameLen == 0 || serviceLen == 0 {
		return 0
	}
	p.nameAt, p.nameLen = uint32(name), uint32(nameLen)
	p.serviceAt, p.serviceLen = uint32(service), uint32(serviceLen)
	if p.Verb == VerbAcquire {
		skip, waitLen := bulkHead(eight(b, end))
		wait := end + skip
		end = wait + waitLen
		if end > uint(len(b)) {
			return 0
		}
		v, sound := number(b[wait:end], 0, WaitMaxMs)
		if !sound {
			return 0
		}
		p.WaitMs = uint32(v)
	}
	if end+2 > uint(len(b)) || binary.LittleEndian.Uint16((*[2]byte)(b[end : end+2])[:]) != bulkEnd {
		return 0
	}
	p.Form, p.tagLen = FormRESP, 0
	p.End = uint32(end + 2)
	p.copyText(b)
	return end + 2
}

// First bytes of a bulk string, with the end of what is before it and without the
// digits of its length.
const (
	bulk1Head = 0x0a0d_0024_0a0d // "\r\n$?\r\n"
	bulk1Mask = 0xffff_00ff_ffff
	bulk2Head = 0x0a0d_0000_240a0d // "\r\n$??\r\n"
	bulk2Mask = 0xffff_0000_ffffff
	bulkEnd   = 0x0a0d // "\r\n"
)

// bulkHead reads the head of a bulk string of 1 to 99 bytes from the eight bytes that
// begin with the \r\n before it: it returns how many of them the head takes, and the
// length; 0 and 0 if there is none. Nobody has looked at what is behind it yet.
func bulkHead(x uint64) (skip, size uint) {
	size = uint(byte(x>>24) - '0')
	low := uint(byte(x>>32) - '0')
	if x&bulk1Mask == bulk1Head && size <= 9 {
		return 6, size
	}
	if x&bulk2Mask == bulk2Head && size <= 9 && low <= 9 {
		return 7, size*10 + low
	}
	return 0, 0
}

// eight returns the eight bytes at b[at], 0 if there are not so many. A bulk string
// that is not empty has them.
func eight(b []byte, at uint) uint64 {
	if at+8 > uint(len(b)) {
		return 0
	}
	return binary.LittleEndian.Uint64((*[8]byte)(b[at : at+8])[:])
}
