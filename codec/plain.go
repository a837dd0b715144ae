package codec

import "encoding/binary"

// TextLen is how long the words of a Plain command that is Short are at most, in bytes: the service and what comes before it in Text.
const TextLen = 64

// Text has a name and, from the next multiple of 8 on, a service. Between them are zeros; what is behind them
// means nothing.
type Text [TextLen]byte

// half is as much as most of them need.
const half = TextLen / 2

// Plain is a plain command: ACQUIRE, RELEASE or HEARTBEAT without options.
//
// Its words are places in the input that it was decoded from, so that it holds no
// pointer and is written quickly. Short words, as most are, are there as a copy too: at a
// fixed place and in whole words of the processor, they cost whoever uses them a fraction of a slice of the input.
type Plain struct {
	Text                  Text // if Short
	nameAt, nameLen       uint32
	serviceAt, serviceLen uint32

	WaitMs uint32 // ACQUIRE: longest wait in milliseconds, 0 tries once
	End    uint32 // of the command, in the input
	Verb   Verb
	Form   Form
	tagLen uint8 // 0: none; the tag and a blank stand before the verb
	Short  bool  // the words are in Text
}

// TextEnd returns the end of the service in Text, and where it begins.
func (p *Plain) TextEnd() (end, service uint) {
	service = (uint(p.nameLen) + 7) &^ 7
	return service + uint(p.serviceLen), service
}

// NameLen returns the length of the name in bytes.
func (p *Plain) NameLen() uint { return uint(p.nameLen) }

// ServiceLen returns the length of the service id in bytes.
func (p *Plain) ServiceLen() uint { return uint(p.serviceLen) }

// Name returns the lock name within the input.
func (p *Plain) Name(in []byte) []byte { return part(in, p.nameAt, p.nameLen) }

// Service returns the service id within the input.
func (p *Plain) Service(in []byte) []byte { return part(in, p.serviceAt, p.serviceLen) }

func part(in []byte, at, n uint32) []byte { return in[at : at+n : at+n] }

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
	cmd.Name, cmd.Service = p.Name(in), p.Service(in)
}

// copyText makes the Text of the words in the input, if they are short.
func (p *Plain) copyText(in []byte) {
	in = in[:cap(in)] // what is behind the input may be copied too
	name, service := uint(p.nameAt), uint(p.serviceAt)
	if p.nameLen <= half && p.serviceLen <= half && service+half <= uint(len(in)) && name+half <= uint(len(in)) {
		p.Short = true
		p.Text.set((*[half]byte)(in[name:name+half]), (*[half]byte)(in[service:service+half]), uint(p.nameLen))
	} else if end, _ := p.TextEnd(); end <= TextLen {
		p.Short = true
		p.Text.setLong(p.Name(in), p.Service(in))
	} else {
		p.Short = false
	}
}

// setLong makes the text of a name and a service that have room in it.
func (t *Text) setLong(name, service []byte) {
	clear(t[:])
	copy(t[:], name)
	copy(t[(len(name)+7)&^7:], service)
}

// set makes the text of a name and a service that both have room in a half, as the service behind the name has.
func (t *Text) set(name, service *[half]byte, nameLen uint) {
	copyHalf((*[half]byte)(t[:]), name)
	last := (nameLen - 1) % half &^ 7 // the last word of the name
	end := binary.LittleEndian.Uint64(t[last:last+8]) & (^uint64(0) >> (8 * -nameLen % 64))
	binary.LittleEndian.PutUint64(t[last:last+8], end)
	copyHalf((*[half]byte)(t[last+8:last+8+half]), service)
}

func copyHalf(to, from *[half]byte) {
	*(*quarter)(to[:]) = quarter(from[:])
	*(*quarter)(to[len(quarter{}):]) = quarter(from[len(quarter{}):])
}

// quarter is as much as one instruction copies. For more, which might overlap, the compiler makes a copy first.
type quarter [TextLen / 4]byte
