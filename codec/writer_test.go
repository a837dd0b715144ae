package codec

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// replies has every shape of a reply. "@" stands for the tag and its blank, at the beginning of
// every line of text that has one.
var replies = []struct {
	name               string
	write              func(w *Writer)
	text, resp2, resp3 string // resp3 is empty where it equals resp2
}{
	{"OK", func(w *Writer) { w.OK() }, "@OK\n", "+OK\r\n", ""},
	{
		"error", func(w *Writer) { w.Error(NotHeld, "nobody holds this lock") },
		"@ERROR NOTHELD nobody holds this lock\n", "-NOTHELD nobody holds this lock\r\n", "",
	},
	{
		"error of bytes", func(w *Writer) { w.ErrorBytes(BadArg, []byte("no")) },
		"@ERROR BADARG no\n", "-BADARG no\r\n", "",
	},
	{
		"unknown command", func(w *Writer) { w.Error(Unknown, "unknown command 'x'") },
		"@ERROR UNKNOWN unknown command 'x'\n", "-ERR unknown command 'x'\r\n", "",
	},
	{
		"control bytes in an error", func(w *Writer) { w.Error(Internal, "a\r\nb\x00\x1f\x7f \u00e9") },
		"@ERROR INTERNAL a??b??? \u00e9\n", "-INTERNAL a??b??? \u00e9\r\n", "",
	},
	{
		"hold", func(w *Writer) { w.Hold(42, 1, 30000) },
		"@OK token=42 count=1 lease_ms=30000\n",
		"*6\r\n$5\r\ntoken\r\n:42\r\n$5\r\ncount\r\n:1\r\n$8\r\nlease_ms\r\n:30000\r\n",
		"%3\r\n$5\r\ntoken\r\n:42\r\n$5\r\ncount\r\n:1\r\n$8\r\nlease_ms\r\n:30000\r\n",
	},
	{
		"a hold after a wait", func(w *Writer) { w.HoldAfterWait(42, 1, 30000, 41210) },
		"@OK token=42 count=1 lease_ms=30000 waited_ms=41210\n",
		"*8\r\n$5\r\ntoken\r\n:42\r\n$5\r\ncount\r\n:1\r\n$8\r\nlease_ms\r\n:30000\r\n$9\r\nwaited_ms\r\n:41210\r\n",
		"%4\r\n$5\r\ntoken\r\n:42\r\n$5\r\ncount\r\n:1\r\n$8\r\nlease_ms\r\n:30000\r\n$9\r\nwaited_ms\r\n:41210\r\n",
	},
	{
		"the largest hold", func(w *Writer) { w.Hold(TokenMax, 1<<32-1, 86_400_000) },
		"@OK token=9007199254740991 count=4294967295 lease_ms=86400000\n",
		"*6\r\n$5\r\ntoken\r\n:9007199254740991\r\n$5\r\ncount\r\n:4294967295\r\n$8\r\nlease_ms\r\n:86400000\r\n",
		"%3\r\n$5\r\ntoken\r\n:9007199254740991\r\n$5\r\ncount\r\n:4294967295\r\n$8\r\nlease_ms\r\n:86400000\r\n",
	},
	{
		"a hold of one-digit values", func(w *Writer) { w.Hold(1, 0, 0) },
		"@OK token=1 count=0 lease_ms=0\n",
		"*6\r\n$5\r\ntoken\r\n:1\r\n$5\r\ncount\r\n:0\r\n$8\r\nlease_ms\r\n:0\r\n",
		"%3\r\n$5\r\ntoken\r\n:1\r\n$5\r\ncount\r\n:0\r\n$8\r\nlease_ms\r\n:0\r\n",
	},
	{
		"fields of every kind",
		func(w *Writer) {
			w.Fields()
			w.Word("state", "held")
			w.Str("owner", []byte("a\"\n\xff"))
			w.Token("token", 7)
			w.Num("held_ms", -5)
			w.End()
		},
		"@OK state=held owner=\"a\\\"\\n\\xff\" token=7 held_ms=-5\n",
		"*8\r\n$5\r\nstate\r\n$4\r\nheld\r\n$5\r\nowner\r\n$4\r\na\"\n\xff\r\n$5\r\ntoken\r\n:7\r\n$7\r\nheld_ms\r\n:-5\r\n",
		"%4\r\n$5\r\nstate\r\n$4\r\nheld\r\n$5\r\nowner\r\n$4\r\na\"\n\xff\r\n$5\r\ntoken\r\n:7\r\n$7\r\nheld_ms\r\n:-5\r\n",
	},
	{
		"more than ten fields",
		func(w *Writer) {
			w.Fields()
			for range 11 {
				w.Num("n", 1)
			}
			w.End()
		},
		"@OK" + strings.Repeat(" n=1", 11) + "\n",
		"*22\r\n" + strings.Repeat("$1\r\nn\r\n:1\r\n", 11), "%11\r\n" + strings.Repeat("$1\r\nn\r\n:1\r\n", 11),
	},
	{"no fields", func(w *Writer) { w.Fields(); w.End() }, "@OK\n", "*0\r\n", "%0\r\n"},
	{
		"list",
		func(w *Writer) {
			w.List(2, []byte("c\x00"))
			for _, name := range []string{"a", "b"} {
				w.Item()
				w.Str("lock", []byte(name))
				w.Num("count", 1)
				w.End()
			}
		},
		"@OK lines=2 cursor=\"c\\x00\"\n@lock=\"a\" count=1\n@lock=\"b\" count=1\n",
		"*2\r\n$2\r\nc\x00\r\n*2\r\n*4\r\n$4\r\nlock\r\n$1\r\na\r\n$5\r\ncount\r\n:1\r\n*4\r\n$4\r\nlock\r\n$1\r\nb\r\n$5\r\ncount\r\n:1\r\n",
		"*2\r\n$2\r\nc\x00\r\n*2\r\n%2\r\n$4\r\nlock\r\n$1\r\na\r\n$5\r\ncount\r\n:1\r\n%2\r\n$4\r\nlock\r\n$1\r\nb\r\n$5\r\ncount\r\n:1\r\n",
	},
	{
		"an empty list", func(w *Writer) { w.List(0, nil) },
		"@OK lines=0 cursor=\"\"\n", "*2\r\n$0\r\n\r\n*0\r\n", "",
	},
	{
		"lines", func(w *Writer) { w.Lines([]string{"one", "two words"}) },
		"@OK lines=2\n@one\n@two words\n", "*2\r\n$3\r\none\r\n$9\r\ntwo words\r\n", "",
	},
	{"no lines", func(w *Writer) { w.Lines(nil) }, "@OK lines=0\n", "*0\r\n", ""},
	{
		"info", func(w *Writer) { w.Info([]byte("# Server\r\nname:dlm\r\n\r\n# Locks\r\n")) },
		"@OK lines=4\n@# Server\n@name:dlm\n@\n@# Locks\n",
		"$31\r\n# Server\r\nname:dlm\r\n\r\n# Locks\r\n\r\n", "",
	},
	{"empty info", func(w *Writer) { w.Info(nil) }, "@OK lines=0\n", "$0\r\n\r\n", ""},

	{"simple string", func(w *Writer) { w.Simple("PONG") }, "", "+PONG\r\n", ""},
	{"error of Redis", func(w *Writer) { w.Fault("NOPROTO", "un\nsupported") }, "", "-NOPROTO un?supported\r\n", ""},
	{"bulk string", func(w *Writer) { w.Bulk([]byte("a\r\n\x00")) }, "", "$4\r\na\r\n\x00\r\n", ""},
	{"empty bulk string", func(w *Writer) { w.Bulk(nil) }, "", "$0\r\n\r\n", ""},
	{"integer", func(w *Writer) { w.Int(-9223372036854775808) }, "", ":-9223372036854775808\r\n", ""},
	{"array", func(w *Writer) { w.Array(12); w.Int(1) }, "", "*12\r\n:1\r\n", ""},
	{"map", func(w *Writer) { w.Map(3) }, "", "*6\r\n", "%3\r\n"},
	{"null", func(w *Writer) { w.Null() }, "", "$-1\r\n", "_\r\n"},
}

func TestReplies(t *testing.T) {
	for _, r := range replies {
		t.Run(r.name, func(t *testing.T) {
			if r.text != "" {
				lines := strings.SplitAfter(r.text, "\n")
				var plain, tagged string
				for _, line := range lines {
					rest, _ := strings.CutPrefix(line, "@")
					plain += rest
					if line != "" {
						tagged += "@t.1 " + rest
					}
				}
				wantReply(t, r.write, FormText, "", false, plain)
				wantReply(t, r.write, FormText, "t.1", false, tagged)
				wantReply(t, r.write, FormText, "t.1", true, tagged)
			}
			wantReply(t, r.write, FormRESP, "", false, r.resp2)
			if r.resp3 == "" {
				r.resp3 = r.resp2
			}
			wantReply(t, r.write, FormRESP, "", true, r.resp3)
		})
	}
}

// wantReply writes a reply after one of the other form with another tag.
func wantReply(t *testing.T, write func(*Writer), form Form, tag string, resp3 bool, want string) {
	t.Helper()
	w := Writer{RESP3: resp3}
	w.Start(1-form, []byte("other"))
	w.OK()
	before := len(w.Buf)
	w.Start(form, []byte(tag))
	write(&w)
	if got := string(w.Buf[before:]); got != want {
		t.Errorf("form %d, tag %q, RESP3 %v\ngot  %q\nwant %q", form, tag, resp3, got, want)
	}
}

func TestCodesHaveWords(t *testing.T) {
	seen := map[string]bool{}
	for c := range CodeCount {
		if word := c.String(); word == "" || seen[word] || strings.ToUpper(word) != word {
			t.Errorf("code %d is %q", c, word)
		}
		seen[c.String()] = true
	}
}

func TestAppendQuoted(t *testing.T) {
	for _, c := range []struct{ name, bytes, want string }{
		{"nothing", "", `""`},
		{"plain", "lock:1 x", `"lock:1 x"`},
		{"what has escapes", "\"\\\n\r\t", `"\"\\\n\r\t"`},
		{"control bytes", "\x00\x1f\x7f", `"\x00\x1f\x7f"`},
		{"UTF-8", "\u00e9\u4e16\U0001f512\ufffd", "\"\u00e9\u4e16\U0001f512\ufffd\""},
		{"C1 controls", "\u0080\u009b31m\u009f\u00a0", `"\xc2\x80\xc2\x9b31m\xc2\x9f` + "\u00a0\""},
		{"what turns the direction", "\u202a\u202e\u2066\u2069\u200e\u200f\u061c", `"\xe2\x80\xaa\xe2\x80\xae\xe2\x81\xa6\xe2\x81\xa9\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c"`},
		{"separators of lines and paragraphs", "a\u2028\u2029b", `"a\xe2\x80\xa8\xe2\x80\xa9b"`},
		{"what is not seen", "\ufeff\u200b\u00ad\U000e0041", `"\xef\xbb\xbf\xe2\x80\x8b\xc2\xad\xf3\xa0\x81\x81"`},
		{"bytes that are not UTF-8", "a\xffb\xc3", `"a\xffb\xc3"`},
		{"half a surrogate pair", "\xed\xa0\x80", `"\xed\xa0\x80"`},
		{"an overlong encoding", "\xc0\xaf", `"\xc0\xaf"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(AppendQuoted([]byte("x="), []byte(c.bytes))); got != "x="+c.want {
				t.Errorf("got %s, want x=%s", got, c.want)
			}
		})
	}
}

// TestQuotedWordsDecodeToSameBytes checks that a client can send back a name exactly as a reply
// shows it.
func TestQuotedWordsDecodeToSameBytes(t *testing.T) {
	var d Decoder
	var cmd Command
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 1, NameMax),
			rapid.Map(rapid.StringOfN(rapid.Rune(), 1, NameMax/8, NameMax), func(s string) []byte { return []byte(s) })).Draw(t, "name")
		quoted := AppendQuoted(nil, name)
		if !utf8.Valid(quoted) {
			t.Fatalf("%q is not UTF-8", quoted)
		}
		line := append(append([]byte("RELEASE "), quoted...), " svc\n"...)
		if _, st := d.Decode(line, &cmd); st != Ready || !bytes.Equal(cmd.Name, name) {
			t.Fatalf("%q became %q: %s", name, cmd.Name, describe(&d, &cmd, st))
		}
		for _, r := range string(quoted) {
			if r < 0x20 || r >= 0x7f && r <= 0x9f || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
				t.Fatalf("%q has a rune that steers", quoted)
			}
		}
	})
}

func TestHelp(t *testing.T) {
	lines, ok := Help(nil)
	if !ok || len(lines) != int(VerbClient)-1 || lines[11] != "PING - Check the connection" {
		t.Errorf("HELP: %q %v", lines, ok)
	}
	lines, ok = Help([]byte("release"))
	want := []string{
		"RELEASE <lock> <service> [TOKEN <n>] [ALL] [REQ <id>]", "Give a lock back, once for each ACQUIRE.",
		"TOKEN: release only the hold with this token, else answer STALE. Without it, a RELEASE that arrives late ends a newer hold of the service.",
		"ALL: give back every ACQUIRE of this hold, in one step.",
		"REQ: an id of up to 64 bytes, with which the command can be sent again. It counts once.",
	}
	if !ok || strings.Join(lines, "|") != strings.Join(want, "|") {
		t.Errorf("HELP release: %q %v", lines, ok)
	}
	if lines, ok = Help([]byte("ping")); !ok || strings.Join(lines, "|") != "PING|Check the connection." {
		t.Errorf("HELP ping: %q %v", lines, ok)
	}
	for v, lines := range helpLines {
		for _, line := range lines {
			if strings.ContainsAny(line, "\r\n") || line == "" {
				t.Errorf("help on verb %d has the line %q", v, line)
			}
		}
	}
	if _, ok := Help([]byte("nope")); ok {
		t.Error("HELP nope has an answer")
	}
	for v := VerbAcquire; v < VerbMulti; v++ {
		doc, ok := DocOf([]byte(strings.ToLower(v.String())))
		if !ok || doc.Verb != v || usageOf(v) == "" {
			t.Errorf("verb %d is not described", v)
		}
	}
	for v := VerbMulti; v < VerbCount; v++ {
		if verbOf([]byte(v.String())) != v {
			t.Errorf("verb %d has no word", v)
		}
		if _, ok := DocOf([]byte(v.String())); ok {
			t.Errorf("%s is refused, and in a list of commands", v)
		}
	}
	if VerbNone.String() != "NONE" {
		t.Errorf("no verb is %q", VerbNone)
	}
}
