package codec

import "encoding/binary"

// Names of options, in the order of memory, and masks of their lengths in bytes.
const (
	ttlWord   = 0x4c5454     // "TTL"
	tokenWord = 0x4e454b4f54 // "TOKEN"
	reqWord   = 0x514552     // "REQ"
	countWord = 0x544e554f43 // "COUNT"
	queueWord = 0x4555455551 // "QUEUE"
	metaWord  = 0x4154454d   // "META"
	freshWord = 0x4853455246 // "FRESH"
	allWord   = 0x4c4c41     // "ALL"
	mask3     = 0xffffff
	mask4     = 0xffffffff
	mask5     = 0xffffffffff
)

// The options that most clients send, as they begin in a line.
const (
	ttlBlank   = ttlWord | ' '<<24
	tokenBlank = tokenWord | ' '<<40
	blankMask6 = 0xffffffffffff
)

// optionReach is how many bytes usualOption reads: a token of 16 digits with its name.
const optionReach = 6 + 16

// optsOf are the options of each verb.
var optsOf = [VerbHeartbeat + 1]Opts{
	VerbAcquire:   OptTTL | OptMeta | OptFresh | OptQueue | OptReq,
	VerbRelease:   OptToken | OptAll | OptReq,
	VerbHeartbeat: OptToken | OptTTL | OptCount,
}

// quickOptions decodes the options of a line, which begin at b[at], and returns the end of the
// line.
func quickOptions(b []byte, at uint, p *LockCommand) (end uint) {
	for may := optsOf[p.Verb]; ; at++ {
		opt, size := Opts(0), uint(0)
		if at+optionReach <= uint(cap(b)) {
			opt, size = p.usualOption((*[optionReach]byte)(b[at : at+optionReach]))
		}
		if at += size; opt == 0 {
			opt, at = p.quickOption(b, at)
		}
		if opt&may == 0 {
			return 0
		}
		may &^= opt
		p.Opts |= opt
		if at >= uint(len(b)) || b[at] != ' ' {
			break
		}
	}
	if p.Opts&(OptCount|OptQueue) != 0 && !p.settleCount() {
		return 0
	}
	return lineEnd(b, at)
}

// usualOption decodes a TTL, or a TOKEN of 16 digits, and returns its length. opt is 0 if there is
// something else. The digits may go on after it.
func (p *LockCommand) usualOption(b *[optionReach]byte) (opt Opts, size uint) {
	switch name := binary.LittleEndian.Uint64(b[:]); {
	case name&mask4 == ttlBlank:
		v, n := digits8(binary.LittleEndian.Uint64(b[4:]))
		if n > 0 && p.setNumber(OptTTL, v) {
			return OptTTL, 4 + n
		}
	case name&blankMask6 == tokenBlank:
		v, ok := digits16((*[16]byte)(b[6:]))
		if ok && p.setNumber(OptToken, v) {
			return OptToken, optionReach
		}
	}
	return 0, 0
}

// quickOption decodes any option at b[at], and returns the index after it. opt is 0 if it leaves
// the line to the grammar.
func (p *LockCommand) quickOption(b []byte, at uint) (opt Opts, after uint) {
	x, _ := eightBytes(b, at)
	opt, size := optionAt(x)
	if after = at + size; opt&(OptFresh|OptAll) != 0 {
		return opt, after
	}
	if after >= uint(len(b)) || b[after] != ' ' {
		return 0, 0
	}
	if after = p.quickValue(b, after+1, opt); after == 0 {
		return 0, 0
	}
	return opt, after
}

// optionAt returns the option whose name the eight bytes begin with, or 0, and the length of the
// name.
func optionAt(x uint64) (opt Opts, size uint) {
	switch {
	case x&mask3 == ttlWord:
		return OptTTL, 3
	case x&mask5 == tokenWord:
		return OptToken, 5
	case x&mask3 == reqWord:
		return OptReq, 3
	case x&mask5 == countWord:
		return OptCount, 5
	case x&mask5 == queueWord:
		return OptQueue, 5
	case x&mask4 == metaWord:
		return OptMeta, 4
	case x&mask5 == freshWord:
		return OptFresh, 5
	case x&mask3 == allWord:
		return OptAll, 3
	}
	return 0, 0
}

// quickValue decodes the value of an option at b[at], and returns the index after it.
func (p *LockCommand) quickValue(b []byte, at uint, opt Opts) (after uint) {
	if opt&(OptMeta|OptReq) != 0 {
		after = wordEnd8(b, at)
		n := after - at
		if n-1 >= MetaMax || opt == OptReq && n > ReqMax {
			return 0
		}
		p.setWord(opt, uint32(at), n)
		return after
	}
	v, after := quickNumber(b, at)
	if !p.setNumber(opt, v) {
		return 0
	}
	return after
}

// setNumber sets the value of an option that is a number. It returns false if the value is out of
// range.
func (p *LockCommand) setNumber(opt Opts, v uint64) bool {
	switch opt {
	case OptTTL:
		p.TTLMs = uint32(v)
		return v-TTLMinMs <= TTLMaxMs-TTLMinMs
	case OptToken:
		p.Token = Token(v)
		return v-1 < uint64(TokenMax)
	case OptCount:
		p.Count = uint32(v)
		return v-1 < CountMax
	case OptQueue:
		p.Count = uint32(v)
		return v <= CountMax
	}
	return false
}

// settleCount reports whether COUNT or QUEUE is as the quick decoder takes it. It leaves QUEUE 0,
// which is a timeout of 0, and COUNT without TOKEN to the grammar.
func (p *LockCommand) settleCount() bool {
	return p.Count != 0 && p.Opts&(OptCount|OptToken) != OptCount
}
