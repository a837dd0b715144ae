package codec

// Names of options with the blank after them, in the order of memory, and their lengths in bytes.
const (
	ttlWord   = 0x204c5454     // "TTL "
	tokenWord = 0x204e454b4f54 // "TOKEN "
	reqWord   = 0x20514552     // "REQ "
	countWord = 0x20544e554f43 // "COUNT "
	queueWord = 0x204555455551 // "QUEUE "
	metaWord  = 0x204154454d   // "META "
	freshWord = 0x4853455246   // "FRESH"
	allWord   = 0x4c4c41       // "ALL"
	mask3     = 0xffffff
	mask4     = 0xffffffff
	mask5     = 0xffffffffff
	mask6     = 0xffffffffffff
)

// optsOf are the options of each verb.
var optsOf = [VerbHeartbeat + 1]Opts{
	VerbAcquire:   OptTTL | OptMeta | OptFresh | OptQueue | OptReq,
	VerbRelease:   OptToken | OptAll | OptReq,
	VerbHeartbeat: OptToken | OptTTL | OptCount,
}

// quickOptions decodes the options of a line, which begin at b[at], and returns the end of the
// line.
func quickOptions(b []byte, at uint, p *LockCommand) (end uint) {
	for {
		x, ok := eightBytes(b, at)
		if !ok {
			return 0
		}
		opt, value := optionAt(x)
		if opt&optsOf[p.Verb] == 0 || p.Opts&opt != 0 {
			return 0
		}
		p.Opts |= opt
		if at += value; opt&(OptFresh|OptAll) == 0 {
			if at = p.quickValue(b, at, opt); at == 0 {
				return 0
			}
		}
		if at >= uint(len(b)) {
			return 0
		}
		if b[at] != ' ' {
			break
		}
		at++
	}
	if p.Opts&(OptCount|OptToken) == OptCount || !p.settleQueue() {
		return 0
	}
	return lineEnd(b, at)
}

// optionAt returns the option whose name the eight bytes begin with, or 0, and the length of the
// name with the blank before its value.
func optionAt(x uint64) (opt Opts, size uint) {
	switch {
	case x&mask4 == ttlWord:
		return OptTTL, 4
	case x&mask6 == tokenWord:
		return OptToken, 6
	case x&mask4 == reqWord:
		return OptReq, 4
	case x&mask6 == countWord:
		return OptCount, 6
	case x&mask6 == queueWord:
		return OptQueue, 6
	case x&mask5 == metaWord:
		return OptMeta, 5
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

// settleQueue leaves QUEUE 0, which is a timeout of 0, to the grammar.
func (p *LockCommand) settleQueue() bool { return p.Opts&OptQueue == 0 || p.Count != 0 }
