package codec

import "encoding/binary"

// First 16 bytes of the arrays that quickArray accepts. The second byte is the number of words.
const (
	arrayHead     = 0x0a0d37240a0d002a // "*?\r\n$7\r\n"
	arrayLongHead = 0x0a0d39240a0d002a // "*?\r\n$9\r\n"
	arrayHeadMask = 0xffffffffffff00ff
	acquireBulk   = 0x0d45524955514341 // "ACQUIRE\r"
	releaseBulk   = 0x0d455341454c4552 // "RELEASE\r"
)

// wordsMost is more than the words that the quick decoder reads, so their number has one digit.
const wordsMost = 10

// quickArray is quickLine for an array of bulk strings.
func quickArray(b []byte, at uint, p *LockCommand) (end uint) {
	if at+shortReach <= uint(cap(b)) {
		end = shortArray((*[shortReach]byte)(b[at:at+shortReach]), at, p)
		switch {
		case end != 0 && end <= uint(len(b)):
			return end
		case end&more != 0 && end&^more <= uint(len(b)): // so b[at+1] is of the input
			return endArray(b, end&^more, uint(b[at+1]-'0'), p)
		}
	}
	return longArray(b, at, p)
}

// wordsOf returns how many words an array of that verb has without options.
func wordsOf(v Verb) uint {
	if v == VerbAcquire {
		return 4
	}
	return 3
}

// endArray decodes the options of an array of that number of words, which is above 9 if it was no
// digit. They begin with the \r\n at b[at]. It returns the end of the array, or 0.
func endArray(b []byte, at, words uint, p *LockCommand) (end uint) {
	if words > 9 {
		return 0
	}
	if words -= wordsOf(p.Verb); words > 0 { // it wraps around if there are too few
		if at = quickOptionsRESP(b, at, words, p); at == 0 {
			return 0
		}
	}
	if at+2 > uint(len(b)) || binary.LittleEndian.Uint16((*[2]byte)(b[at : at+2])[:]) != bulkEnd {
		return 0
	}
	p.End = uint32(at + 2)
	return at + 2
}

// shortArray may read shortReach bytes: eight from any offset on that shortMask lets through.
const (
	shortMask  = 127
	shortReach = shortMask + 1 + 8
)

// shortArray is quickArray for an array with words of up to 32 bytes, at b[0], which is the input
// from at on. If the number of words differs from that of a command without options, it returns
// more and where they have to begin. The array may end after the input; the caller checks that.
func shortArray(b *[shortReach]byte, at uint, p *LockCommand) (end uint) {
	head, verb := binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])
	words := byte('3')
	end = 15 // of the verb, at the \r\n after it
	switch head &= arrayHeadMask; {
	case head == arrayHead && verb == acquireBulk:
		p.Verb = VerbAcquire
		words = '4'
	case head == arrayHead && verb == releaseBulk:
		p.Verb = VerbRelease
	case head == arrayLongHead && verb == heartbeatHead && b[16] == 'T':
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
	p.bare(FormRESP)
	p.where = inText
	p.nameAt, p.nameLen = uint32(at+name), uint32(nameLen)
	p.serviceAt, p.serviceLen = uint32(at+service), uint32(serviceLen)
	p.Text.set((*[half]byte)(b[name%half:]), (*[half]byte)(b[service%(2*half):]), nameLen)
	if b[1] != words {
		return at + end | more
	}
	end += at + 2
	p.End = uint32(end)
	return end
}

// longArray is quickArray for words of up to 99 bytes.
func longArray(b []byte, at uint, p *LockCommand) (end uint) {
	const headLen = 24
	if at+headLen > uint(len(b)) {
		return 0
	}
	first := (*[headLen]byte)(b[at : at+headLen]) // an array costs less than a slice of it
	head, verb := binary.LittleEndian.Uint64(first[:]), binary.LittleEndian.Uint64(first[8:])
	words := uint(first[1] - '0')
	end = at + 15 // of the verb, at the \r\n after it
	switch head &= arrayHeadMask; {
	case head == arrayHead && verb == acquireBulk:
		p.Verb = VerbAcquire
	case head == arrayHead && verb == releaseBulk:
		p.Verb = VerbRelease
	case head == arrayLongHead && verb == heartbeatHead && first[16] == 'T':
		p.Verb = VerbHeartbeat
		end = at + 17
	default:
		return 0
	}
	p.bare(FormRESP)
	name, nameLen := bulk(b, end)
	service, serviceLen := bulk(b, name+nameLen)
	if end = service + serviceLen; nameLen == 0 || serviceLen == 0 {
		return 0
	}
	p.nameAt, p.nameLen = uint32(name), uint32(nameLen)
	p.serviceAt, p.serviceLen = uint32(service), uint32(serviceLen)
	if p.Verb == VerbAcquire {
		v, after := bulkNumber(b, end)
		if after == 0 || v > WaitMaxMs {
			return 0
		}
		p.WaitMs, end = uint32(v), after
	}
	if end = endArray(b, end, words, p); end != 0 {
		p.copyText(b)
	}
	return end
}

// bulk returns the start and the length, 1 to 99, of the bulk string whose head begins with the
// \r\n at b[at]. size is 0 if there is none, or not all of it.
func bulk(b []byte, at uint) (start, size uint) {
	skip, size := bulkHead(eight(b, at))
	if start = at + skip; start+size > uint(len(b)) {
		return start, 0
	}
	return start, size
}

// bulkNumber returns the number in a bulk string and the index after it, which is 0 if it is not a
// number.
func bulkNumber(b []byte, at uint) (v uint64, after uint) {
	start, n := bulk(b, at)
	if n == 0 {
		return 0, 0
	}
	v, after = quickNumber(b, start)
	if after != start+n {
		return 0, 0
	}
	return v, after
}

// First bytes of a bulk string, with the end of the one before, without the digits of its length.
const (
	bulk1Head = 0x0a0d_0024_0a0d // "\r\n$?\r\n"
	bulk1Mask = 0xffff_00ff_ffff
	bulk2Head = 0x0a0d_0000_240a0d // "\r\n$??\r\n"
	bulk2Mask = 0xffff_0000_ffffff
	bulkEnd   = 0x0a0d // "\r\n"
)

// bulkHead reads the head of a bulk string of 1 to 99 bytes from eight bytes that begin with the
// \r\n before it. It returns how many of them belong to the head, and the length of the string, or
// 0 and 0 if there is none. It does not look at the bytes after the head.
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

// eight returns the eight bytes at b[at], or 0 if there are fewer. A bulk string that is not empty
// has them.
func eight(b []byte, at uint) uint64 {
	if at+8 > uint(len(b)) {
		return 0
	}
	return binary.LittleEndian.Uint64((*[8]byte)(b[at : at+8])[:])
}
