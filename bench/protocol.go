package bench

import "dlm/codec"

// The forms in which dlm is spoken to.
const (
	Text   = "text"
	Detail = "detail" // text after DETAIL ON: replies have the fields that RESP replies have
	RESP   = "resp"
)

// Forms lists their names.
var Forms = []string{Text, Detail, RESP}

// Protocol is the language in which a server is spoken to. Each form of dlm has one; a comparison
// brings along those of other servers.
type Protocol struct {
	Name string
	// Append appends a request: ACQUIRE, RELEASE, HEARTBEAT or PING.
	Append func(dst []byte, cmd *codec.Command) []byte
	// Answer returns the reply to a verb that succeeded.
	Answer func(codec.Verb) *Pattern
	// Prepare makes the server at that address ready for requests; nil: nothing is to be done.
	Prepare func(addr string) error

	ours   bool // the server answers INFO and AUTH
	detail bool // each connection begins with DETAIL ON
}

// protocolOf returns the protocol of a form, or nil if there is none of that name.
func protocolOf(form string) *Protocol {
	p := &Protocol{Name: form, ours: true, Append: codec.AppendCommand}
	hold, pong := PatternOf("OK\n"), PatternOf("OK\n")
	switch form {
	case Text:
	case Detail:
		p.detail = true
		hold = PatternOf("OK token=# count=# lease_ms=#\n")
		hold.fields = true
	case RESP:
		p.Append = appendRESP
		hold = PatternOf("*6\r\n$5\r\ntoken\r\n:#\r\n$5\r\ncount\r\n:#\r\n$8\r\nlease_ms\r\n:#\r\n")
		hold.fields, hold.form = true, codec.FormRESP
		pong = PatternOf("+PONG\r\n")
	default:
		return nil
	}
	p.Answer = func(v codec.Verb) *Pattern {
		if v == codec.VerbPing {
			return pong
		}
		return hold
	}
	return p
}

// withTokens returns a form in which a grant tells its token, if that is wanted.
func withTokens(form string, wanted bool) string {
	if wanted && form == Text {
		return Detail
	}
	return form
}

func appendRESP(dst []byte, cmd *codec.Command) []byte {
	cmd.Form = codec.FormRESP
	return codec.AppendCommand(dst, cmd)
}

// FloorProtocol is spoken to bench/floor, which answers OK to every command of a form.
func FloorProtocol(form string) *Protocol {
	p := protocolOf(form)
	ok := PatternOf("OK\n")
	if form == RESP {
		ok = PatternOf("+OK\r\n")
	}
	return &Protocol{Name: form, Append: p.Append, Answer: func(codec.Verb) *Pattern { return ok }}
}
