package codec

// Status is the result of Decode.
type Status uint8

const (
	Incomplete Status = iota // the input ends inside a command: nothing is consumed
	Ready                    // the Command holds a command
	Blank                    // an empty line or array: consumed, no answer
	Bad                      // malformed: answer Decoder.Problem, skip the consumed bytes
	Fatal                    // answer Decoder.Problem and close: the rest can't be divided
	Undecoded                // of DecodeBatch alone: the rest was not decoded
)

// Problem is why a command is Bad or the input Fatal.
type Problem struct {
	Code Code
	Msg  []byte // one line of words; valid until the next Decode
}

// Decoder reads commands of both forms. It keeps no input: a caller whose input ends inside a
// command presents it again with the next bytes. The zero value is ready. It may serve any number
// of connections in turn.
type Decoder struct {
	// PreAuth sets the narrower limits of a connection that has not authenticated.
	PreAuth bool

	code Code
	msg  []byte // of the last problem

	args    [ArgsMax][]byte // words of the command, the verb first
	scratch [LineMax]byte   // words that had escapes
	used    int             // bytes of scratch
	letters [32]byte        // a word in upper case
	checker checker         // used only under the tag invariants
}

// Problem returns the error after Bad or Fatal.
func (d *Decoder) Problem() Problem { return Problem{d.code, d.msg} }

// Decode reads the first command of b by the grammar and returns how many bytes it took, 0 if it is
// Incomplete. It does not modify b. For the reply it also sets cmd.Form and cmd.Tag after Bad and
// Fatal, as far as they are known.
func (d *Decoder) Decode(b []byte, cmd *Command) (n int, st Status) {
	cmd.Verb, cmd.Opts, cmd.Tag = VerbNone, 0, nil
	if len(b) == 0 {
		return 0, Incomplete
	}
	if b[0] == '*' {
		cmd.Form = FormRESP
		return d.resp(b, cmd)
	}
	cmd.Form = FormText
	return d.text(b, cmd)
}

// bad notes a problem and returns Bad.
func (d *Decoder) bad(code Code, parts ...string) Status {
	d.code, d.msg = code, d.msg[:0]
	for _, p := range parts {
		d.msg = append(d.msg, p...)
	}
	return Bad
}

// fatal notes a problem and returns Fatal.
func (d *Decoder) fatal(code Code, parts ...string) Status {
	d.bad(code, parts...)
	return Fatal
}

// argsMax returns the most words allowed.
func (d *Decoder) argsMax() int {
	if d.PreAuth {
		return PreAuthArgsMax
	}
	return ArgsMax
}
