package codec

import (
	"strings"
	"testing"
	"unsafe"

	"dlm/internal/testflag"
)

func TestDecodeAllocatesNothing(t *testing.T) {
	skipUnderRace(t)
	inputs := []string{
		"", "\n", "ACQUIRE a", "*2\r\n", "*0\r\n", "*x", "*33\r\n", "*1\r\n$-1\r\n", "*1\r\n$4\r\nPINGxx", "\x16\x03", "GET / HTTP/1.1\r\n",
		"\"\\q\"\n", "\"x\n", "a\"b\n", "@t STATUS \"\\x00\\n\"\n", "@!\n", "@t\n", "what\n", "aquire x\n", n(100) + "\n", "LOCKS" + strings.Repeat(" a", 40) + "\n",
		n(LineMax + 2), "@t " + n(LineMax+2), frameUpTo(FrameMax), "STATUS " + n(NameMax+1) + "\n", "RELEASE a b WHAT 1\n", "RELEASE a b TOKEN x\n", "LOCKS HELD HELD\n", "acquire a b 0 ttl 100 meta \"\\n\"\n",
		frame("what"), frame("aquire", "x"), frame("HELLO", "3", "AUTH", "u", "t"), frame("STATUS", n(NameMax+1)), frame("acquire", "a", "b", "0"),
	}
	for _, c := range commands {
		inputs = append(inputs, c.line+"\n", "@t "+c.line+"\r\n", frame(strings.Fields(c.line)...))
	}
	for _, preAuth := range []bool{false, true} {
		d, cmd := &Decoder{PreAuth: preAuth}, &Command{}
		for _, input := range inputs {
			b := []byte(input)
			d.Decode(b, cmd) // makes room for the message of a problem, once
			if got := testing.AllocsPerRun(20, func() { d.Decode(b, cmd) }); got != 0 {
				t.Errorf("%g allocations for %.60q", got, input)
			}
		}
	}
}

func TestWriterAllocatesNothing(t *testing.T) {
	skipUnderRace(t)
	w := &Writer{Buf: make([]byte, 0, 4096)}
	tag := []byte("t")
	for _, r := range replies {
		for _, form := range []Form{FormText, FormRESP} {
			if form == FormText && r.text == "" {
				continue
			}
			got := testing.AllocsPerRun(20, func() {
				w.Buf = w.Buf[:0]
				w.Start(form, tag)
				r.write(w)
			})
			if got != 0 {
				t.Errorf("%g allocations for %s in form %d", got, r.name, form)
			}
		}
	}
}

func TestHelpAllocatesNothing(t *testing.T) {
	skipUnderRace(t)
	for _, topic := range []string{"", "acquire", "FORCE-RELEASE", "nope"} {
		b := []byte(topic)
		if got := testing.AllocsPerRun(20, func() { Help(b) }); got != 0 {
			t.Errorf("%g allocations for HELP %s", got, topic)
		}
	}
}

func skipUnderRace(t *testing.T) {
	t.Helper()
	if testflag.Race {
		t.Skip("the race detector allocates in code that does not")
	}
	if unsafe.Sizeof(checker{}) > 0 {
		t.Skip("the checks of the invariants build allocate")
	}
}
