package codec

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"dlm/internal/testflag"
)

// shape is how a verb is mostly written: n, s, w, t and r stand for a name, a service, a wait, a
// tag, and a request with its lock and service; p and x for a version of RESP and a text. Options
// are of any verb.
type shape struct{ verb, args string }

var shapes = []shape{
	{"ACQUIRE", "nsw"}, {"ACQUIRE", "nsw"}, {"RELEASE", "ns"}, {"HEARTBEAT", "ns"}, {"UPGRADE", "nsw"}, {"DOWNGRADE", "ns"},
	{"CANCEL", "t"}, {"CANCEL", "r"}, {"OUTCOME", "r"}, {"STATUS", "n"}, {"HOLDERS", "n"}, {"LOCKS", ""},
	{"FORCE-RELEASE", "n"}, {"WATCH", "n"}, {"UNWATCH", "n"}, {"NOTIFY", "s"}, {"HELLO", ""}, {"HELLO", "p"}, {"AUTH", "x"},
	{"DETAIL", "o"}, {"EVENTS", ""}, {"CLIENTS", ""}, {"DISCONNECT", "v"},
	{"TOP", ""}, {"WAITERS", "n"}, {"OWNER", "s"}, {"DEADLOCKS", ""}, {"INFO", ""}, {"HELP", ""}, {"PING", ""},
}

// grammar has the values of each kind of word, good ones first.
var grammar = map[byte][]string{
	'n': {"a", "orders/42", "a b", "\n\x00\"", strings.Repeat("n", NameMax), "", strings.Repeat("n", NameMax+1)},
	's': {"svc", "web-3/1", "OFF", strings.Repeat("s", ServiceMax), "", strings.Repeat("s", ServiceMax+1)},
	'w': {"0", "60000", "86400000", "86400001", "-1", "x", ""},
	't': {"@7", "@a.b_c-9", "@", "7", "@" + strings.Repeat("t", TagMax+1)},
	'q': {"1", "id-7", strings.Repeat("r", ReqMax), "", strings.Repeat("r", ReqMax+1)},
	'v': {"1000", "1", "500", "9007199254740991", "0", "x", "18446744073709551616"},
	'x': {"why", "a b", "", "\xff\r\n", strings.Repeat("x", ConnNameMax+1), strings.Repeat("x", MetaMax+1)},
	'p': {"3", "2", "4", "x"},
	'o': {"ON", "OFF", "off", "x"},
}

// optionWords are the options, each with the kinds of its values.
var optionWords = []struct{ word, values string }{
	{"TTL", "v"}, {"SHARED", ""}, {"PERMITS", "v"}, {"REQ", "q"}, {"META", "x"}, {"FRESH", ""}, {"QUEUE", "v"}, {"TOKEN", "v"},
	{"ALL", ""}, {"COUNT", "v"}, {"REASON", "x"}, {"PREFIX", "n"}, {"HELD", ""}, {"CONTENDED", ""}, {"LIMIT", "v"}, {"CURSOR", "x"},
	{"NAME", "x"}, {"ALIVE", "v"}, {"DETECT", ""}, {"SINCE", "v"}, {"SETNAME", "x"}, {"AUTH", "xx"},
}

// compose makes the words of a command from bytes: a verb, its arguments, and options. Each byte
// chooses one thing. The last words of a choice are wrong. A byte of 250 or more leaves one out.
func compose(program []byte) (words []string) {
	next := func() (b byte) {
		if len(program) > 0 {
			b, program = program[0], program[1:]
		}
		return b
	}
	value := func(kind byte) {
		if b := next(); b < 250 {
			list := grammar[kind]
			words = append(words, list[int(b)%len(list)])
		}
	}
	s := shapes[int(next())%len(shapes)]
	words = append(words, s.verb)
	for i := range len(s.args) {
		if s.args[i] == 'r' {
			value('n')
			value('s')
			words = append(words, "REQ")
			value('q')
		} else {
			value(s.args[i])
		}
	}
	for len(program) > 0 && len(words) < 24 {
		o := optionWords[int(next())%len(optionWords)]
		words = append(words, o.word)
		for i := range len(o.values) {
			value(o.values[i])
		}
	}
	if next()%7 == 1 {
		words[0] = strings.ToLower(words[0])
	}
	return words
}

// asLine writes the words as a line.
func asLine(words []string) []byte {
	w := wordWriter{form: FormText}
	for _, word := range words {
		w.word([]byte(word))
	}
	return append(w.dst, '\n')
}

// bothForms decodes the words as a line and as an array, and checks that they are the same command
// or refused with the same code. It returns what the line is.
func bothForms(t *testing.T, words []string) (*Decoder, *Command, Status) {
	t.Helper()
	line, array := asLine(words), []byte(frame(words...))
	text, resp := &Decoder{}, &Decoder{}
	var a, b Command
	_, st := text.Decode(line, &a)
	_, other := resp.Decode(array, &b)
	if len(line) > LineMax || len(words) > wordsOfText(words[0]) {
		return text, &a, st // RESP takes more words, as clients of Redis send them
	}
	if st != other || st == Ready && describe(text, &a, st) != describe(resp, &b, other) || st == Bad && text.Problem().Code != resp.Problem().Code {
		t.Fatalf("%q is %s, and %q is %s", line, describe(text, &a, st), array, describe(resp, &b, other))
	}
	if st == Ready {
		if a.Verb == VerbHello {
			checkHello(t, a.Args)
		}
		checkOtherForm(t, text, &a)
		checkOtherForm(t, resp, &b)
	}
	return text, &a, st
}

// wordsOfText returns how many words a command has at most that both forms take.
func wordsOfText(verb string) int {
	switch strings.ToUpper(verb) {
	case "PING":
		return 1
	case "WATCH", "UNWATCH", "AUTH":
		return 2
	}
	return ArgsMax
}

// checkHello reads the words after HELLO. RESP has all that text has.
func checkHello(t *testing.T, args [][]byte) (text, resp Hello, refused bool) {
	t.Helper()
	code, _ := text.Parse(FormText, args)
	other, _ := resp.Parse(FormRESP, args)
	same := text.AliveMs == resp.AliveMs && bytes.Equal(text.Name, resp.Name)
	more := resp.Proto != 0 || resp.Token != nil || slices.ContainsFunc(args, func(b []byte) bool { return string(b) == "SETNAME" })
	switch {
	case code == OK && (other != OK || !same || more), code != OK && other == OK && !more:
		t.Fatalf("HELLO %q is %s %+v, and in RESP %s %+v", args, code, text, other, resp)
	case other == OK && (len(resp.Name) > ConnNameMax || resp.AliveMs != 0 && (resp.AliveMs < AliveMinMs || resp.AliveMs > AliveMaxMs)):
		t.Fatalf("HELLO %q has %+v", args, resp)
	}
	return text, resp, code != OK
}

// checkOtherForm writes a command in the other form and reads it again.
func checkOtherForm(t *testing.T, d *Decoder, cmd *Command) {
	t.Helper()
	moved := *cmd
	moved.Tag = nil
	if moved.Form = FormText; cmd.Form == FormText {
		moved.Form = FormRESP
	}
	out := AppendCommand(nil, &moved)
	if moved.Form == FormText && len(out) > LineMax {
		return
	}
	var again Decoder
	var back Command
	if n, st := again.Decode(out, &back); st != Ready || n != len(out) || describe(&again, &back, st) != describe(d, &moved, Ready) {
		t.Fatalf("%s is written as %q, which is %s", describe(d, &moved, Ready), out, describe(&again, &back, st))
	}
}

// checkReplies writes replies with the words in them, and reads them again.
func checkReplies(t *testing.T, words []string) {
	t.Helper()
	for _, word := range words {
		for _, form := range []Form{FormText, FormRESP} {
			w := Writer{RESP3: true}
			w.Start(form, nil)
			w.Fields()
			w.Str("owner", []byte(word))
			w.Num("count", int64(len(word)))
			w.End()
			replied(t, w.Buf, form, ReplyOK, word)
			e := Event{Kind: "lost", Lock: []byte("x"), Service: []byte("y"), Reason: []byte(word)}
			replied(t, AppendEvent(nil, form, &e), form, ReplyEvent, "")
		}
	}
}

func replied(t *testing.T, b []byte, form Form, kind ReplyKind, owner string) {
	t.Helper()
	var r Reply
	n, st := ParseReply(b, form, &r)
	if st != Ready || n != len(b) || r.Kind != kind {
		t.Fatalf("%q: %d bytes, status %v, kind %v", b, n, st, r.Kind)
	}
	if kind != ReplyOK {
		return
	}
	got, ok := r.Field("owner")
	if form == FormText && ok {
		got, ok = AppendUnquoted(nil, got)
	}
	if !ok || !bytes.Equal(got, []byte(owner)) {
		t.Fatalf("%q: owner is %q, want %q", b, got, owner)
	}
}

// FuzzGrammar composes commands of the words of the protocol, so that it reaches options that
// random bytes rarely spell. Both forms must agree, the quick decoder with the grammar, and what is
// written must be read as the same.
func FuzzGrammar(f *testing.F) {
	for i := range shapes {
		f.Add([]byte{byte(i), 0, 0, 1, 0, 0, 1, 3, 1}, []byte{3})
		f.Add([]byte{byte(i), 1, 1, 0, 2, 1, 3, 0, 5, 18}, []byte{1, 9})
	}
	f.Fuzz(func(t *testing.T, program, cuts []byte) {
		words := compose(program)
		bothForms(t, words)
		line, array := asLine(words), []byte(frame(words...))
		for _, in := range [][]byte{line, append([]byte("@t1 "), line...), array, append(slices.Clip(line), array...)} {
			checkPieces(t, in, cuts, false)
			checkBatch(t, in, false)
		}
		checkBothWays(t, line, false)
		checkReplies(t, words)
	})
}

// TestGrammarReachesAllOptions checks that composed commands are accepted with each option, and
// that each verb is refused too.
func TestGrammarReachesAllOptions(t *testing.T) {
	rng := rand.New(rand.NewPCG(testflag.Seed(t), 3))
	accepted, refused, opts := map[Verb]bool{}, map[string]bool{}, Opts(0)
	hello := map[string]bool{}
	try := func(program []byte) {
		words := compose(program)
		_, cmd, st := bothForms(t, words)
		switch {
		case st != Ready:
			refused[words[0]] = true
			return
		case cmd.Verb == VerbHello:
			text, resp, not := checkHello(t, cmd.Args)
			refused["HELLO"] = refused["HELLO"] || not
			hello["NAME and ALIVE"] = hello["NAME and ALIVE"] || text.Name != nil && text.AliveMs != 0
			hello["AUTH and ALIVE"] = hello["AUTH and ALIVE"] || resp.Token != nil && resp.AliveMs != 0
			hello["3 and NAME"] = hello["3 and NAME"] || resp.Proto == 3 && resp.Name != nil
		}
		accepted[cmd.Verb] = true
		opts |= cmd.Opts
	}
	for i, s := range shapes { // good arguments with one option or any two
		args := make([]byte, len(s.args)+2*strings.Count(s.args, "r"))
		for a := range optionWords {
			try(slices.Concat([]byte{byte(i)}, args, oneOption(a)))
			for b := range optionWords {
				try(slices.Concat([]byte{byte(i)}, args, oneOption(a), oneOption(b)))
			}
		}
	}
	for range 20_000 {
		program := make([]byte, 1+rng.IntN(12))
		for i := range program {
			program[i] = byte(rng.IntN(256))
		}
		try(program)
	}
	for _, s := range shapes {
		lenient := s.verb == "INFO" // the engine reads its words
		if !accepted[verbOf([]byte(s.verb))] || !refused[s.verb] && !lenient {
			t.Errorf("%s: accepted %v, refused %v", s.verb, accepted[verbOf([]byte(s.verb))], refused[s.verb])
		}
	}
	for _, opt := range []Opts{OptToken, OptTTL, OptCount, OptShared, OptPermits, OptReq, OptMeta, OptFresh, OptQueue, OptAll,
		OptReason, OptPrefix, OptHeld, OptContended, OptLimit, OptCursor, OptUpgrade, OptDetect, OptSince} {
		if opts&opt == 0 {
			t.Errorf("no command was accepted with option %b", opt)
		}
	}
	for _, what := range []string{"NAME and ALIVE", "AUTH and ALIVE", "3 and NAME"} {
		if !hello[what] {
			t.Errorf("no HELLO was accepted with %s", what)
		}
	}
}

// oneOption returns the part of a program that makes an option, with a good value.
func oneOption(i int) []byte {
	return append([]byte{byte(i)}, make([]byte, len(optionWords[i].values))...)
}
