package codec

import (
	"encoding/binary"
	"math/bits"
)

// BurstMax is how many commands a Burst has at most. Beyond 16 nothing is gained.
const BurstMax = 16

// Burst is plain commands that were decoded together. It is filled by
// Decoder.DecodeBurst and reused.
type Burst [BurstMax]Plain

// Plain is a plain command: ACQUIRE, RELEASE or HEARTBEAT without options.
// Its words are places in the input that it was decoded from, so that it holds no
// pointer and is written quickly.
type Plain struct {
	nameAt, nameEnd       uint32
	serviceAt, serviceEnd uint32

	WaitMs uint32 // ACQUIRE: longest wait in milliseconds, 0 tries once
	End    uint32 // of the command, in the input
	Verb   Verb
	Form   Form
	tagLen uint8 // 0: none; the tag and a blank stand before the verb
}

// Name returns the lock name within the input.
func (p *Plain) Name(in []byte) []byte { return in[p.nameAt:p.nameEnd] }

// Service returns the service id within the input.
func (p *Plain) Service(in []byte) []byte { return in[p.serviceAt:p.serviceEnd] }

// Tagged tells whether the command has a tag.
func (p *Plain) Tagged() bool { return p.tagLen > 0 }

// Tag returns the tag within the input, without the @; nil if there is none.
func (p *Plain) Tag(in []byte) []byte {
	if p.tagLen == 0 {
		return nil
	}
	end := p.nameAt - uint32(len(" RELEASE "))
	if p.Verb == VerbHeartbeat {
		end -= uint32(len("HEARTBEAT") - len("RELEASE"))
	}
	return in[end-uint32(p.tagLen) : end : end]
}

// Command makes cmd the same command.
func (p *Plain) Command(in []byte, cmd *Command) {
	cmd.Verb, cmd.Form, cmd.Opts, cmd.Tag, cmd.WaitMs = p.Verb, p.Form, 0, p.Tag(in), p.WaitMs
	cmd.Name, cmd.Service = in[p.nameAt:p.nameEnd:p.nameEnd], in[p.serviceAt:p.serviceEnd:p.serviceEnd]
}

// burstInputMax is how much input a burst looks at: places have 32 bits.
const burstInputMax = 1 << 30

// DecodeBurst is Decode for what comes most: it decodes the commands at the
// beginning of b, up to the first that is not a whole ACQUIRE, RELEASE or
// HEARTBEAT without options and quotes, and returns how many there are, and whether some may have a tag.
// What it leaves is left to Decode, which comes to the same results.
//
// Bytes between the length of b and its capacity may be read, and mean nothing.
func (d *Decoder) DecodeBurst(b []byte, burst *Burst) (n int, tagged bool) {
	if d.PreAuth {
		return 0, false
	}
	b = b[:min(len(b), burstInputMax)]
	d.ends.mapped = 0
	at := uint(0)
	for ; n < BurstMax && at < uint(len(b)); n++ {
		p := &burst[n]
		end := uint(0)
		switch b[at] {
		case '*':
			end = plainHoldRESP(b, at, p)
		case 'A', 'R', 'H':
			end = d.inBurst(b, at, p)
		case '@':
			if tag, verb := plainTag(b, at); verb > 0 {
				tagged = true
				end = d.inBurst(b, verb, p)
				p.tagLen = tag
			}
		}
		if end == 0 {
			break
		}
		at = end
	}
	return n, tagged
}

// inBurst is plainHold where DecodeBurst has come to.
func (d *Decoder) inBurst(b []byte, at uint, p *Plain) (end uint) {
	if at+endsLen <= d.ends.mapped || d.ends.extend(b, at) {
		end = shortHold((*[endsLen]byte)(b[at:at+endsLen]), d.ends.from(at), at, p)
	}
	if end == 0 {
		end = plainHold(b, at, p)
	}
	return end
}

// DecodePlain decodes b if it is one plain command and nothing else, and tells whether it is. PreAuth
// must not be set. The rest is as for DecodeBurst.
func (d *Decoder) DecodePlain(b []byte, p *Plain) bool {
	size, end := uint(len(b)), uint(0)
	switch {
	case size == 0:
		return false
	case b[0] == '*':
		end = plainHoldRESP(b, 0, p)
	case b[0] == '@':
		end = plainTagged(b, p)
	case size <= endsLen && cap(b) >= endsLen:
		block := (*[endsLen]byte)(b[:endsLen])
		markEnds(block[:], d.ends.words[:1])
		end = shortHold(block, d.ends.words[0], 0, p) // marks behind b don't matter: end tells
	default:
		end = plainHold(b, 0, p)
	}
	return end == size
}

// shortHold is plainHold for lines that end within b, the input from at on, and leaves more
// to it: it returns 0 then. What counts of b are the words that end at
// ends. The place of an end that is not there is that of the first byte, a
// letter, which is neither a blank nor the end of a line.
func shortHold(b *[endsLen]byte, ends uint64, at uint, p *Plain) (n uint) {
	start := uint(8) // behind the verb and a blank
	switch binary.LittleEndian.Uint64(b[:]) {
	case acquireHead:
		p.Verb = VerbAcquire
	case releaseHead:
		p.Verb = VerbRelease
	case heartbeatHead:
		p.Verb = VerbHeartbeat
		start = 10
		if binary.LittleEndian.Uint16(b[8:]) != heartbeatTail {
			return 0
		}
	default:
		return 0
	}
	ends &= ends - 1                         // that of the verb
	name := uint(bits.TrailingZeros64(ends)) // first byte behind the name
	ends &= ends - 1
	service := uint(bits.TrailingZeros64(ends))
	if b[name%endsLen] != ' ' || name == start || service == name+1 {
		return 0
	}
	end := service
	if p.Verb == VerbAcquire {
		ends &= ends - 1
		end = uint(bits.TrailingZeros64(ends))
		if !shortWait(b, service, end, p) {
			return 0
		}
	}
	if b[end%endsLen] != '\n' {
		if end++; b[(end-1)%endsLen] != '\r' || ends>>end&1 == 0 || b[end%endsLen] != '\n' {
			return 0
		}
	}
	p.Form, p.tagLen = FormText, 0
	p.nameAt, p.nameEnd = uint32(at+start), uint32(at+name)
	p.serviceAt, p.serviceEnd = uint32(at+name+1), uint32(at+service)
	n = at + end + 1
	p.End = uint32(n)
	return n
}

// shortWait reads the timeout_ms between the blank at b[at] and b[end]. It knows
// numbers of up to seven digits, which are in range.
func shortWait(b *[endsLen]byte, at, end uint, p *Plain) (ok bool) {
	if b[at%endsLen] != ' ' || end-at-2 > 6 {
		return false
	}
	v := uint32(0)
	for at++; at < end; at++ {
		c := b[at%endsLen] - '0'
		if c > 9 {
			return false
		}
		v = v*10 + uint32(c)
	}
	p.WaitMs = v
	return true
}
