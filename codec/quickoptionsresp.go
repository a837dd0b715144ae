package codec

import "encoding/binary"

// The options that most clients send, as they begin in an array, with the end of the word before
// them. The second eight bytes have the length of the value.
const (
	ttlBulk    = 0x54540a0d33240a0d // "\r\n$3\r\nTT"
	ttlBulk2   = 0x000a0d00240a0d4c // "L\r\n$?\r\n", and a digit
	ttlMask2   = 0x00ffff00ffffffff
	tokenBulk  = 0x4f540a0d35240a0d // "\r\n$5\r\nTO"
	tokenBulk2 = 0x3631240a0d4e454b // "KEN\r\n$16"
)

// optionReachRESP is how many bytes usualOptionRESP reads: a token of 16 digits with its name.
const optionReachRESP = 18 + 16

// quickOptionsRESP is quickOptions for that number of bulk strings. The first begins with the \r\n
// at b[at]. It returns the end of the last one, which may be after the input.
func quickOptionsRESP(b []byte, at, words uint, p *LockCommand) (end uint) {
	// words wraps around if one is missing.
	for may := optsOf[p.Verb]; words-1 < wordsMost; words -= 2 {
		opt, size := Opts(0), uint(0)
		if at+optionReachRESP <= uint(cap(b)) {
			opt, size = p.usualOptionRESP((*[optionReachRESP]byte)(b[at : at+optionReachRESP]))
		}
		if at += size; opt == 0 {
			opt, at = p.quickOptionRESP(b, at)
		}
		if opt&may == 0 {
			return 0
		}
		may &^= opt
		p.Opts |= opt
		if opt&(OptFresh|OptAll) != 0 {
			words++
		}
	}
	if words != 0 || p.Opts&(OptCount|OptQueue) != 0 && !p.settleCount() {
		return 0
	}
	return at
}

// usualOptionRESP decodes a TTL, or a TOKEN of 16 digits, and returns its length. opt is 0 if there
// is something else.
func (p *LockCommand) usualOptionRESP(b *[optionReachRESP]byte) (opt Opts, size uint) {
	second := binary.LittleEndian.Uint64(b[8:])
	switch binary.LittleEndian.Uint64(b[:]) {
	case ttlBulk:
		v, n := digits8(binary.LittleEndian.Uint64(b[15:]))
		if second&ttlMask2 == ttlBulk2 && n == uint(b[12]-'0') && n > 0 && p.setNumber(OptTTL, v) {
			return OptTTL, 15 + n
		}
	case tokenBulk:
		v, ok := digits16((*[16]byte)(b[18:]))
		if second == tokenBulk2 && binary.LittleEndian.Uint16(b[16:]) == bulkEnd && ok && p.setNumber(OptToken, v) {
			return OptToken, optionReachRESP
		}
	}
	return 0, 0
}

// quickOptionRESP decodes any option at b[at], and returns the index after it. opt is 0 if it
// leaves the array to the grammar.
func (p *LockCommand) quickOptionRESP(b []byte, at uint) (opt Opts, after uint) {
	start, n := bulk(b, at)
	x, _ := eightBytes(b, start)
	opt, size := optionAt(x)
	after = start + n
	switch {
	case size != n:
		return 0, 0
	case opt&(OptFresh|OptAll) != 0:
		return opt, after
	case opt&(OptMeta|OptReq) != 0:
		start, n = bulk(b, after)
		if n == 0 || opt == OptReq && n > ReqMax {
			return 0, 0
		}
		p.setWord(opt, uint32(start), n)
		return opt, start + n
	}
	v, after := bulkNumber(b, after)
	if after == 0 || !p.setNumber(opt, v) {
		return 0, 0
	}
	return opt, after
}
