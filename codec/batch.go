package codec

// BatchMax is the most commands of a Batch. A larger one gains nothing.
const BatchMax = 16

// Batch is lock commands that were decoded together and are executed together. It is filled by
// Decoder.DecodeBatch and reused. It holds no pointer: with its input it is all that a log of
// commands needs.
type Batch struct {
	Cmds  [BatchMax]LockCommand
	Has   BatchHas
	used  uint32 // bytes of words
	words [wordsMax]byte
}

// wordsMax is the room for words of commands that the grammar decoded: wordsOfOne is the most that
// one command has.
const (
	wordsOfOne = 1 + TagMax + 1 + NameMax + ServiceMax + MetaMax + ReqMax
	wordsMax   = 4 << 10
)

// BatchHas says what a batch has beside lines without a tag.
type BatchHas uint8

const (
	HasTags BatchHas = 1 << iota // lines with a tag
	HasRESP                      // arrays
)

// batchInputMax is the most input that a batch looks at, because places have 32 bits.
const batchInputMax = 1 << 30

// Source returns the bytes that the places of p count in. in is the input of the batch.
func (b *Batch) Source(p *LockCommand, in []byte) []byte {
	if p.where&inWords != 0 {
		return b.words[:]
	}
	return in
}

// DecodeBatch decodes the lock commands at the beginning of in, up to most and up to BatchMax, and
// returns how many there are. It stops at the first command that is not one of a Batch, or not
// a sound one. It decodes that too: cmd, took and st are as of Decode then.
// Else st is Undecoded.
//
// DecodeBatch may read bytes between the length of in and its capacity, which mean nothing.
func (d *Decoder) DecodeBatch(in []byte, b *Batch, most int, cmd *Command) (n, took int, st Status) {
	in = in[:min(len(in), batchInputMax)]
	b.Has, b.used = 0, 0
	most = min(most, BatchMax)
	for at := uint(0); n < most && at < uint(len(in)); n++ {
		p := &b.Cmds[n]
		end := uint(0)
		if !d.PreAuth {
			switch in[at] {
			case '*':
				b.Has |= HasRESP
				end = quickArray(in, at, p)
			case '@':
				b.Has |= HasTags
				end = quickTagged(in, at, p)
			default:
				end = quickLine(in, at, p)
				if end != 0 && p.serviceLen == serviceHTTP && isServiceHTTP(p.Service(in)) {
					end = 0 // the grammar may refuse it
				}
			}
			d.checkQuick(in, at, end, p)
		}
		if end == 0 {
			if b.used > wordsMax-wordsOfOne {
				break
			}
			if took, st = d.Decode(in[at:], cmd); st != Ready || !cmd.onHold() {
				return n, took, st
			}
			end = at + uint(took)
			b.keep(p, cmd)
			p.End = uint32(end)
		}
		at = end
	}
	return n, 0, Undecoded
}

// onHold reports whether the command is one of a Batch.
func (c *Command) onHold() bool { return c.Verb >= VerbAcquire && c.Verb <= VerbDowngrade }

// keep makes p the command cmd, with copies of its words. There must be room.
func (b *Batch) keep(p *LockCommand, cmd *Command) {
	p.bare(cmd.Form)
	p.Verb, p.Opts, p.WaitMs, p.where = cmd.Verb, cmd.Opts, cmd.WaitMs, inWords
	p.tagAt, p.tagLen = b.keepTag(cmd.Tag), uint8(len(cmd.Tag))
	p.nameAt, p.nameLen = b.keepWord(cmd.Name), uint32(len(cmd.Name))
	p.serviceAt, p.serviceLen = b.keepWord(cmd.Service), uint32(len(cmd.Service))
	if cmd.Has(OptMeta) {
		p.setWord(OptMeta, b.keepWord(cmd.Text), uint(len(cmd.Text)))
	}
	if cmd.Has(OptReq) {
		p.setWord(OptReq, b.keepWord(cmd.Req), uint(len(cmd.Req)))
	}
	if cmd.Has(OptTTL) {
		p.TTLMs = cmd.TTLMs
	}
	p.Token, p.Count, p.Permits = cmd.Token, cmd.Count, cmd.Permits
	if cmd.Has(OptQueue) {
		p.Count = cmd.Queue
	}
	p.copyText(b.words[:])
	if p.tagLen > 0 {
		b.Has |= HasTags
	}
	if p.Form == FormRESP {
		b.Has |= HasRESP
	}
}

// keepTag keeps a tag between the @ and the blank that belong to it.
func (b *Batch) keepTag(tag []byte) (at uint32) {
	if len(tag) == 0 {
		return 0
	}
	b.words[b.used] = '@'
	b.used++
	at = b.keepWord(tag)
	b.words[b.used] = ' '
	b.used++
	return at
}

func (b *Batch) keepWord(word []byte) (at uint32) {
	at = b.used
	b.used += uint32(copy(b.words[at:], word))
	return at
}
