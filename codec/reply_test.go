package codec

import (
	"bytes"
	"fmt"
	"testing"
)

// TestParseReplyReadsWhatWriterWrites parses replies of every kind, whole and cut at every byte.
func TestParseReplyReadsWhatWriterWrites(t *testing.T) {
	for _, c := range []struct {
		name  string
		write func(*Writer)
		form  Form
		resp3 bool
		want  string
	}{
		{"ok", (*Writer).OK, FormText, false, `ok tag="" ""`},
		{"ok of RESP", (*Writer).OK, FormRESP, false, `ok tag="" ""`},
		{"an error", func(w *Writer) { w.Error(NotHeld, "nobody holds it") }, FormText, false, `error NOTHELD "NOTHELD" "nobody holds it"`},
		{"an error of RESP", func(w *Writer) { w.Error(NotHeld, "nobody") }, FormRESP, true, `error NOTHELD "NOTHELD" "nobody"`},
		{"an unknown command in Redis' words", func(w *Writer) { w.Error(Unknown, "x") }, FormRESP, false, `error UNKNOWN "ERR" "x"`},
		{"a hold", func(w *Writer) { w.Hold(1234, 2, 500) }, FormText, false, `ok token=1234 count=2 lease_ms=500`},
		{"a hold of RESP2", func(w *Writer) { w.Hold(1234, 2, 500) }, FormRESP, false, `ok token=1234 count=2 lease_ms=500`},
		{"a hold of RESP3", func(w *Writer) { w.Hold(1234, 0, 0) }, FormRESP, true, `ok token=1234 count=0 lease_ms=0`},
		{"a string of a client", func(w *Writer) {
			w.Fields()
			w.Str("owner", []byte("a \"b\"\n\xff"))
			w.Num("count", 3)
			w.End()
		}, FormText, false, `ok owner="a \"b\"\n\xff" count=3`},
		{"a string of a client in RESP", func(w *Writer) {
			w.Fields()
			w.Str("owner", []byte("a\r\n"))
			w.Num("count", 3)
			w.End()
		}, FormRESP, true, `ok owner="a\r\n" count=3`},
		{"a list", func(w *Writer) { w.List(0, []byte("7")) }, FormText, false, `ok lines=0 cursor="7"`},
		{"a list of RESP", func(w *Writer) { w.List(0, []byte("7")) }, FormRESP, false, `value 2 "$1\r\n7\r\n*0\r\n"`},
		{"a string", func(w *Writer) { w.Simple("PONG") }, FormRESP, false, `value 0 "PONG"`},
		{"a number", func(w *Writer) { w.Int(-5) }, FormRESP, false, `value 0 "-5"`},
		{"a null", (*Writer).Null, FormRESP, false, `value 0 ""`},
		{"a null of RESP3", (*Writer).Null, FormRESP, true, `value 0 ""`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := Writer{RESP3: c.resp3}
			w.Start(c.form, nil)
			c.write(&w)
			var r Reply
			n, st := ParseReply(append(w.Buf, "behind"...), c.form, &r)
			if got := showReply(&r); st != Ready || n != len(w.Buf) || got != c.want {
				t.Errorf("%q: got %s, %d bytes, want %s, %d bytes", w.Buf, got, n, c.want, len(w.Buf))
			}
			for cut := range len(w.Buf) {
				if n, st := ParseReply(w.Buf[:cut], c.form, &r); st != Incomplete || n != 0 {
					t.Errorf("%q: %d bytes, status %v, want it to be incomplete", w.Buf[:cut], n, st)
				}
			}
		})
	}
}

func TestParseReplyOfText(t *testing.T) {
	for in, want := range map[string]string{
		"@t.1 OK\r\n":                     `ok tag="t.1" ""`,
		"@7 ERROR TIMEOUT \"a b\" 12 x\n": `error TIMEOUT "TIMEOUT" "\"a b\" 12 x"`,
		"ERROR NEWCODE words\n":           `error INTERNAL "NEWCODE" "words"`,
		"EVENT missed count=212\n":        `event "missed count=212"`,
		"lock=\"a\" state=held\n":         `item "lock=\"a\" state=held"`,
		"\n":                              `item ""`,
		"@\n":                             "fatal",
		"@x\n":                            "fatal",
		"OK":                              "incomplete",
	} {
		var r Reply
		n, st := ParseReply([]byte(in), FormText, &r)
		got := showReply(&r)
		switch st {
		case Fatal:
			got = "fatal"
		case Incomplete:
			got = "incomplete"
		default:
			if n != len(in) {
				t.Errorf("%q: %d bytes", in, n)
			}
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

// FuzzReply looks for input on which ParseReply reads too far, and for a result that changes with
// more input.
func FuzzReply(f *testing.F) {
	for _, s := range []string{"OK token=1 owner=\"\\\"\" x\n", "@1 ERROR LIMIT conns\r\n", "*2\r\n$1\r\na\r\n:1\r\n", "%1\r\n+a\r\n_\r\n",
		">2\r\n+event\r\n*1\r\n#t\r\n", "$-1\r\n", "*-1\r\n", "*999999999\r\n", "$5\r\nab", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "OK a=\"\\"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, form := range []Form{FormText, FormRESP} {
			var r, again Reply
			n, st := ParseReply(b[:len(b):len(b)], form, &r)
			if n > len(b) || (st == Ready) != (n > 0) {
				t.Fatalf("%q: %d bytes, status %v", b, n, st)
			}
			if st != Ready {
				continue
			}
			shown := showReply(&r)
			if m, st := ParseReply(bytes.Clone(b[:n]), form, &again); st != Ready || m != n || showReply(&again) != shown {
				t.Fatalf("%q: %s, and with more behind it %s", b[:n], showReply(&again), shown)
			}
			value, _ := r.Field("owner")
			AppendUnquoted(nil, value)
		}
	})
}

// FuzzUnquoted checks that AppendUnquoted undoes AppendQuoted.
func FuzzUnquoted(f *testing.F) {
	f.Add([]byte("a \"b\"\\\n\x00\xff\u0085\u202e"))
	f.Fuzz(func(t *testing.T, b []byte) {
		quoted := AppendQuoted(nil, b)
		if got, ok := AppendUnquoted(nil, quoted); !ok || !bytes.Equal(got, b) {
			t.Fatalf("%q is quoted as %s and unquoted as %q", b, quoted, got)
		}
		AppendUnquoted(nil, b) // must not panic
	})
}

func showReply(r *Reply) string {
	switch r.Kind {
	case ReplyError:
		return fmt.Sprintf("error %v %q %q", r.Code, r.Word, r.Text)
	case ReplyEvent:
		return fmt.Sprintf("event %q", r.Text)
	case ReplyItem:
		return fmt.Sprintf("item %q", r.Text)
	case ReplyValue:
		return fmt.Sprintf("value %d %q", r.Count, r.Text)
	}
	shown := ""
	for rest := r.Text; len(rest) > 0; {
		name, value, more, ok := nextField(rest, r.Form)
		if !ok {
			return fmt.Sprintf("ok tag=%q %q", r.Tag, r.Text)
		}
		if r.Form == FormRESP && string(name) == "owner" {
			value = AppendQuoted(nil, value)
		}
		shown, rest = shown+fmt.Sprintf(" %s=%s", name, value), more
	}
	if shown == "" {
		return fmt.Sprintf("ok tag=%q %q", r.Tag, r.Text)
	}
	return "ok" + shown
}
