package bench

import (
	"bytes"
	"strconv"
	"strings"

	"dlm/codec"
)

// heldTTLMs is the lease of locks that are held through a run, in ms. A run that was killed leaves
// them for that long.
const heldTTLMs = 3_600_000

// numberLen is how many bytes of a name are left to the number of the lock.
const numberLen = 9

// Protocol is the language in which a server is spoken to. Text and RESP are those of dlm; a
// comparison brings along the protocols of other servers.
type Protocol struct {
	Name string
	// Append appends a request: ACQUIRE, RELEASE, HEARTBEAT or PING.
	Append func(dst []byte, cmd *codec.Command) []byte
	// Answer returns the exact reply to a verb that succeeded. Empty: replies differ in their
	// numbers, and Len and Check read them.
	Answer func(codec.Verb) string
	// Len returns the length of the reply at the beginning of in, 0 if it is not whole.
	Len func(in []byte) (int, error)
	// Check returns ErrWrongReply if a whole reply does not say that the verb succeeded.
	Check func(v codec.Verb, reply []byte) error
	// Prepare makes the server at that address ready for requests; nil: nothing is to be done.
	Prepare func(addr string) error
	// Workloads are those that the server can do; nil: all.
	Workloads []string

	ours bool // INFO, AUTH, STATUS and all workloads are known
}

// protocolOf returns the protocol of a form of ours, nil if there is none of that name.
func protocolOf(form string) *Protocol {
	p := &Protocol{Name: form, ours: true, Append: codec.AppendCommand}
	switch form {
	case Text:
		p.Answer = func(codec.Verb) string { return "OK\n" }
		p.Len = func(in []byte) (int, error) { return bytes.IndexByte(in, '\n') + 1, nil }
		p.Check = checkOK
	case RESP:
		p.Answer = answerRESP
		p.Len = holdLen
		p.Check = func(codec.Verb, []byte) error { return nil } // holdLen has seen the fields
	default:
		return nil
	}
	return p
}

func checkOK(_ codec.Verb, reply []byte) error {
	if string(reply) != "OK\n" {
		return wrongReply(reply, "OK\n")
	}
	return nil
}

func answerRESP(v codec.Verb) string {
	if v == codec.VerbPing {
		return "+PONG\r\n"
	}
	return ""
}

// floorAnswer is what the floor answers to everything.
func floorAnswer(form string) string {
	if form == RESP {
		return "+OK\r\n"
	}
	return "OK\n"
}

// request is a command about lock i for the owner of that number.
func (c *Config) request(v codec.Verb, i, owner int) *codec.Command {
	cmd := &codec.Command{Verb: v, Name: []byte(c.nameOf(i)), Service: []byte(serviceOf(owner))}
	if c.Form == RESP {
		cmd.Form = codec.FormRESP
	}
	return cmd
}

// detailed reports whether DETAIL is on, so that a grant in text says its token.
func (c *Config) detailed() bool { return c.Fence && c.kind() == Hot && c.Form == Text }

// setTTL adds a lease to a command, unless it is 0.
func setTTL(cmd *codec.Command, ms int) {
	if ms > 0 {
		cmd.Opts |= codec.OptTTL
		cmd.TTLMs = uint32(ms)
	}
}

// answer returns the exact reply to a verb, empty where replies differ.
func (c *Config) answer(v codec.Verb) string {
	if c.Floor {
		return floorAnswer(c.Form)
	}
	return c.Protocol.Answer(v)
}

// nameOf is the name of lock i: the prefix and digits up to NameLen bytes.
func (c *Config) nameOf(i int) string {
	digits := strconv.Itoa(i)
	return c.Prefix + strings.Repeat("0", max(c.NameLen-len(c.Prefix)-len(digits), 0)) + digits
}

func serviceOf(owner int) string { return "svc" + strconv.Itoa(owner) }
