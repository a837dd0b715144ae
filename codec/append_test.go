package codec

import (
	"bytes"
	"testing"

	"dlm/internal/testflag"
)

// checkRoundTrip checks that AppendCommand writes a command that decodes to the same one.
func checkRoundTrip(t *testing.T, d *Decoder, cmd *Command) {
	t.Helper()
	out := AppendCommand(nil, cmd)
	if cmd.Form == FormText && len(out) > LineMax || len(out) > FrameMax {
		return // its escapes exceed the length of a command
	}
	again := Decoder{PreAuth: d.PreAuth}
	var back Command
	n, st := again.Decode(out, &back)
	if want := describe(d, cmd, Ready); st != Ready || n != len(out) || back.Form != cmd.Form || describe(&again, &back, st) != want {
		t.Fatalf("%q is decoded to %s (%d of %d bytes), want %s", out, describe(&again, &back, st), n, len(out), want)
	}
}

func TestAppendCommand(t *testing.T) {
	hold := Command{Verb: VerbHeartbeat, Opts: OptToken | OptTTL | OptCount, Name: []byte("a b"), Service: []byte("s"), Token: 7, Count: 2, TTLMs: 500}
	for _, c := range []struct {
		name string
		cmd  Command
		form Form
		tag  string
		want string
	}{
		{"a bare pair of words", Command{Verb: VerbAcquire, Name: []byte("a"), Service: []byte("s"), WaitMs: 1500}, FormText, "", "ACQUIRE a s 1500\n"},
		{"a tag and quotes", hold, FormText, "t1", "@t1 HEARTBEAT \"a b\" s TOKEN 7 COUNT 2 TTL 500\n"},
		{"an array", hold, FormRESP, "", "*9\r\n$9\r\nHEARTBEAT\r\n$3\r\na b\r\n$1\r\ns\r\n$5\r\nTOKEN\r\n$1\r\n7\r\n" +
			"$5\r\nCOUNT\r\n$1\r\n2\r\n$3\r\nTTL\r\n$3\r\n500\r\n"},
		{"bytes that end a line", Command{Verb: VerbStatus, Name: []byte("\n\x00\"")}, FormText, "", "STATUS \"\\n\\x00\\\"\"\n"},
		{"a shared hold", Command{Verb: VerbAcquire, Opts: OptShared, Name: []byte("a"), Service: []byte("s")}, FormText, "", "ACQUIRE a s 0 SHARED\n"},
		{"a permit", Command{Verb: VerbHeartbeat, Opts: OptToken | OptPermits, Name: []byte("a"), Service: []byte("s"), Token: 3, Permits: 9}, FormText, "",
			"HEARTBEAT a s PERMITS 9 TOKEN 3\n"},
		{"an upgrade", Command{Verb: VerbUpgrade, Opts: OptUpgrade | OptToken, Name: []byte("a"), Service: []byte("s"), WaitMs: 9, Token: 3}, FormText, "",
			"UPGRADE a s 9 TOKEN 3\n"},
		{"a downgrade", Command{Verb: VerbDowngrade, Opts: OptUpgrade, Name: []byte("a"), Service: []byte("s")}, FormText, "", "DOWNGRADE a s\n"},
		{"holders", Command{Verb: VerbHolders, Name: []byte("a")}, FormText, "", "HOLDERS a\n"},
		{"an empty word", Command{Verb: VerbLocks, Opts: OptPrefix | OptHeld, Name: nil}, FormText, "", "LOCKS PREFIX \"\" HELD\n"},
		{"a switch", Command{Verb: VerbDetail, Opts: OptOn}, FormText, "", "DETAIL ON\n"},
		{"no words", Command{Verb: VerbPing}, FormRESP, "", "*1\r\n$4\r\nPING\r\n"},
		{"words of a session", Command{Verb: VerbHello, Args: [][]byte{[]byte("3")}}, FormRESP, "", "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.cmd.Form, c.cmd.Tag = c.form, []byte(c.tag)
			if got := AppendCommand([]byte("before "), &c.cmd); string(got) != "before "+c.want {
				t.Errorf("got %q, want %q", got, "before "+c.want)
			}
		})
	}
}

func TestAppendCommandAllocatesNothing(t *testing.T) {
	if testflag.Race {
		t.Skip("the race detector allocates")
	}
	cmd := Command{Verb: VerbAcquire, Opts: OptTTL | OptToken, Name: []byte("a b"), Service: []byte("s"), WaitMs: 9, TTLMs: 500, Token: 3}
	buf := make([]byte, 0, 200)
	for _, form := range []Form{FormText, FormRESP} {
		cmd.Form = form
		if n := testing.AllocsPerRun(100, func() { buf = AppendCommand(buf[:0], &cmd) }); n != 0 {
			t.Errorf("form %d: %v allocations", form, n)
		}
	}
	if !bytes.HasPrefix(buf, []byte("*8\r\n")) {
		t.Errorf("got %q", buf)
	}
}
