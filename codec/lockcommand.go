package codec

import "encoding/binary"

// LockCommand is one command of a Batch: ACQUIRE, RELEASE, HEARTBEAT, UPGRADE or DOWNGRADE.
//
// It holds no pointer. Its words are places in its source, which Batch.Source returns. Short words
// are also copied into Text, at a fixed place and in whole words of the processor, because using
// them there takes a fraction of the instructions of a slice of the source.
type LockCommand struct {
	Text                  Text   // if Short
	nameAt, nameLen       uint32 // the lock name in the source
	serviceAt, serviceLen uint32 // the service id in the source

	WaitMs uint32 // ACQUIRE, UPGRADE: longest wait in milliseconds, 0 tries once
	End    uint32 // where the command ends in the input of the batch

	// shortLine writes these 8 bytes with one instruction.
	Verb   Verb
	Form   Form
	tagLen uint8 // 0: no tag
	where  where
	Opts   Opts // the options that the command carried

	TTLMs uint32 // lease length in milliseconds, 0: no TTL was given
	// with OptCount, of a HEARTBEAT: acquires less releases as the holder counts them; with
	// OptQueue, of an ACQUIRE: the most requests that may wait before it
	Count   uint32
	Permits uint32 // with OptPermits: how many permits the lock has
	tagAt   uint32 // the tag in the source, if there is one
	textAt  uint16 // with OptMeta: META in the source, from the name on
	textLen uint16
	reqAt   uint16 // with OptReq: the id in the source, from the name on
	reqLen  uint8
	Token   Token // with OptToken
}

// where says where the words of a LockCommand are.
type where uint8

const (
	inText  where = 1 << iota // name and service are in Text too
	inWords                   // the source is Batch.words, not the input
)

// TextLen is the size of Text in bytes.
const TextLen = 64

// Text has a name and, from the next multiple of 8 on, a service. The bytes between them are zero;
// the bytes after the service mean nothing.
type Text [TextLen]byte

// textNameMax is the longest name that Text has with a service.
const textNameMax = TextLen - 8

// half is 32 bytes: most names and most services are no longer.
const half = TextLen / 2

// Short reports whether name and service are in Text.
func (p *LockCommand) Short() bool { return p.where&inText != 0 }

// Has reports whether the command carried the option.
func (p *LockCommand) Has(o Opts) bool { return p.Opts&o != 0 }

// TextEnd returns where the service ends in Text, and where it begins.
func (p *LockCommand) TextEnd() (end, service uint) {
	service = (uint(p.nameLen) + 7) &^ 7
	return service + uint(p.serviceLen), service
}

// NameLen returns the length of the name in bytes.
func (p *LockCommand) NameLen() uint { return uint(p.nameLen) }

// ServiceLen returns the length of the service id in bytes.
func (p *LockCommand) ServiceLen() uint { return uint(p.serviceLen) }

// Name returns the lock name within the source.
func (p *LockCommand) Name(src []byte) []byte { return part(src, p.nameAt, p.nameLen) }

// Service returns the service id within the source.
func (p *LockCommand) Service(src []byte) []byte { return part(src, p.serviceAt, p.serviceLen) }

func part(src []byte, at, n uint32) []byte { return src[at : at+n : at+n] }

// MayWait reports whether the command waits if it is not granted now.
func (p *LockCommand) MayWait() bool {
	return (p.Verb == VerbAcquire || p.Verb == VerbUpgrade) && p.WaitMs > 0
}

// Tagged reports whether the command has a tag.
func (p *LockCommand) Tagged() bool { return p.tagLen > 0 }

// Tag returns the tag within the source, without the @; nil if there is none.
func (p *LockCommand) Tag(src []byte) []byte {
	if p.tagLen == 0 {
		return nil
	}
	return part(src, p.tagAt, uint32(p.tagLen))
}

// Command makes cmd the same command. Its slices alias the source.
func (p *LockCommand) Command(src []byte, cmd *Command) {
	cmd.Verb, cmd.Form, cmd.Opts, cmd.Tag, cmd.WaitMs = p.Verb, p.Form, p.Opts, p.Tag(src), p.WaitMs
	cmd.Name, cmd.Service = p.Name(src), p.Service(src)
	if p.Opts != 0 {
		cmd.TTLMs, cmd.Token, cmd.Count, cmd.Queue, cmd.Permits = p.TTLMs, p.Token, p.Count, p.Count, p.Permits
		if p.Has(OptMeta) {
			cmd.Text = part(src, p.nameAt+uint32(p.textAt), uint32(p.textLen))
		}
		if p.Has(OptReq) {
			cmd.Req = part(src, p.nameAt+uint32(p.reqAt), uint32(p.reqLen))
		}
	}
}

// setWord sets where the value of META or REQ is in the source. Of a command, all words lie within
// FrameMax bytes.
func (p *LockCommand) setWord(opt Opts, at uint32, n uint) {
	if opt == OptReq {
		p.reqAt, p.reqLen = uint16(at-p.nameAt), uint8(n)
	} else {
		p.textAt, p.textLen = uint16(at-p.nameAt), uint16(n)
	}
}

// bare makes p a command without options. Its words follow.
func (p *LockCommand) bare(form Form) {
	p.Form, p.tagLen, p.where, p.Opts, p.TTLMs = form, 0, 0, 0, 0
}

// copyText copies name and service into Text, if they fit. It may copy bytes between the length of
// src and its capacity, which mean nothing.
func (p *LockCommand) copyText(src []byte) {
	src = src[:cap(src)]
	name, service := uint(p.nameAt), uint(p.serviceAt)
	end, at := p.TextEnd()
	switch {
	case p.nameLen <= half && p.serviceLen <= half && service+half <= uint(len(src)) && name+half <= uint(len(src)):
		p.Text.set((*[half]byte)(src[name:name+half]), (*[half]byte)(src[service:service+half]), uint(p.nameLen))
	case end > TextLen:
		return
	case name+TextLen <= uint(len(src)) && service+TextLen <= uint(len(src)):
		p.Text.setLong((*Text)(src[name:name+TextLen]), (*Text)(src[service:service+TextLen]), uint(p.nameLen), end)
	default:
		clear(p.Text[:])
		copy(p.Text[:], p.Name(src))
		copy(p.Text[at:], p.Service(src))
	}
	p.where |= inText
}

// set copies a name and a service of up to 32 bytes each.
func (t *Text) set(name, service *[half]byte, nameLen uint) {
	copyHalf((*[half]byte)(t[:]), name)
	last := t.endName(nameLen) % half
	copyHalf((*[half]byte)(t[last+8:last+8+half]), service)
}

// setLong copies a name and a service that fit together, the service word by word up to end.
func (t *Text) setLong(name, service *Text, nameLen, end uint) {
	copyHalf((*[half]byte)(t[:]), (*[half]byte)(name[:]))
	copyHalf((*[half]byte)(t[half:]), (*[half]byte)(name[half:]))
	for at, from := t.endName(nameLen)+8, uint(0); at < end && at < TextLen; at, from = at+8, from+8 {
		binary.LittleEndian.PutUint64(t[at:], binary.LittleEndian.Uint64(service[from%TextLen:]))
	}
}

// endName clears what follows the name in its last word, and returns where that word begins.
func (t *Text) endName(nameLen uint) (last uint) {
	last = (nameLen - 1) % TextLen &^ 7
	word := t[last : last+8 : last+8]
	binary.LittleEndian.PutUint64(word, binary.LittleEndian.Uint64(word)&(^uint64(0)>>(8*-nameLen%64)))
	return last
}

func copyHalf(to, from *[half]byte) {
	*(*quarter)(to[:]) = quarter(from[:])
	*(*quarter)(to[len(quarter{}):]) = quarter(from[len(quarter{}):])
}

// quarter is 16 bytes, as much as one instruction copies. The compiler copies more, which might
// overlap, twice.
type quarter [TextLen / 4]byte
