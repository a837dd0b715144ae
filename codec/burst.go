package codec

// BurstMax is how many commands a Burst has at most. Beyond 16 nothing is gained.
const BurstMax = 16

// Burst is plain commands that were decoded together. It is filled by
// Decoder.DecodeBurst and reused.
type Burst [BurstMax]Plain

// BurstHas says what a burst may have beside lines without a tag.
type BurstHas uint8

const (
	HasTags BurstHas = 1 << iota // lines with a tag
	HasRESP                      // arrays
)

// burstInputMax is how much input a burst looks at: places have 32 bits.
const burstInputMax = 1 << 30

// DecodeBurst is Decode for what comes most: it decodes the commands at the
// beginning of b, up to the first that is not a whole ACQUIRE, RELEASE or
// HEARTBEAT without options and quotes, and returns how many there are, and of what kinds.
// What it leaves is left to Decode, which comes to the same results.
//
// Bytes between the length of b and its capacity may be read, and mean nothing.
func (d *Decoder) DecodeBurst(b []byte, burst *Burst) (n int, has BurstHas) {
	if d.PreAuth {
		return 0, 0
	}
	b = b[:min(len(b), burstInputMax)]
	for at := uint(0); n < BurstMax && at < uint(len(b)); n++ {
		p := &burst[n]
		switch b[at] {
		case '*':
			has |= HasRESP
			at = plainHoldRESP(b, at, p)
		case '@':
			has |= HasTags
			at = plainTagged(b, at, p)
		default:
			at = plainHold(b, at, p)
		}
		if at == 0 {
			break
		}
	}
	return n, has
}

// DecodePlain decodes b if it is one plain command and nothing else, and tells whether it is. PreAuth
// must not be set. The rest is as for DecodeBurst.
func (d *Decoder) DecodePlain(b []byte, p *Plain) bool {
	return len(b) > 0 && plainAt(b, 0, p) == uint(len(b))
}

// plainAt decodes the plain command at b[at], which is within b, and returns where it ends; 0 if there is none, and
// p may be half filled then.
func plainAt(b []byte, at uint, p *Plain) (end uint) {
	switch b[at] {
	case '*':
		return plainHoldRESP(b, at, p)
	case '@':
		return plainTagged(b, at, p)
	}
	return plainHold(b, at, p)
}
