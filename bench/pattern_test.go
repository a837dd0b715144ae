package bench

import (
	"errors"
	"strings"
	"testing"

	"dlm/codec"
)

const (
	heldRESP   = "*6\r\n$5\r\ntoken\r\n:1838080000000001\r\n$5\r\ncount\r\n:1\r\n$8\r\nlease_ms\r\n:30000\r\n"
	heldDetail = "OK token=1838080000000001 count=1 lease_ms=30000\n"
)

// hold returns the pattern of the reply to an ACQUIRE in a form.
func hold(form string) *Pattern { return protocolOf(form).Answer(codec.VerbAcquire) }

func TestPatternMatchesWholeReply(t *testing.T) {
	for _, c := range []struct {
		name    string
		pattern *Pattern
		in      string
		number  uint64
	}{
		{"OK", hold(Text), "OK\n", 0},
		{"a tag", hold(Text).tagged("17"), "@17 OK\n", 0},
		{"fields of text", hold(Detail), heldDetail, 1838080000000001},
		{"fields with a tag", hold(Detail).tagged("x"), "@x " + heldDetail, 1838080000000001},
		{"fields in another order", hold(Detail), "OK count=1 lease_ms=30000 token=42\n", 42},
		{"one more field", hold(Detail).tagged("x"), "@x OK token=42 count=1 lease_ms=1 waited_ms=7\n", 42},
		{"fields of RESP", hold(RESP), heldRESP, 1838080000000001},
		{"one more field of RESP", hold(RESP), strings.Replace(heldRESP, "*6", "*8", 1) + "$9\r\nwaited_ms\r\n:7\r\n", 1838080000000001},
		{"a pong", protocolOf(RESP).Answer(codec.VerbPing), "+PONG\r\n", 0},
		{"the floor", FloorProtocol(RESP).Answer(codec.VerbAcquire), "+OK\r\n", 0},
		{"bytes of any value", &Pattern{Pieces: []Piece{{Literal: "V", Any: 3}, {Literal: "\x00", Any: 1}}}, "V\xff\x00\n\x00#", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for n := range len(c.in) {
				if got, _ := c.pattern.Match([]byte(c.in[:n])); got != 0 {
					t.Fatalf("%q is a reply of %d bytes", c.in[:n], got)
				}
			}
			n, number := c.pattern.Match([]byte(c.in + c.in))
			if n != len(c.in) || number != c.number {
				t.Errorf("got %d bytes with %d, want %d with %d", n, number, len(c.in), c.number)
			}
		})
	}
}

func TestPatternRefusesWrongReply(t *testing.T) {
	for _, c := range []struct {
		name    string
		pattern *Pattern
		in      string
	}{
		{"an error", hold(Text), "ERROR TIMEOUT not granted\n"},
		{"more than OK", hold(Text), "OK token=1\n"},
		{"another tag", hold(Text).tagged("17"), "@18 OK\n"},
		{"an error in place of fields", hold(Detail), "ERROR TIMEOUT \"a\" 1 not granted\n"},
		{"fields without a token", hold(Detail), "OK count=1\n"},
		{"fields with another tag", hold(Detail).tagged("1"), "@2 OK count=1 token=7\n"},
		{"an error of RESP", hold(RESP), "-TIMEOUT not granted\r\n"},
		{"a token that is no number", hold(RESP), strings.Replace(heldRESP, ":1838", ":x838", 1)},
		{"another list", hold(RESP), "*2\r\n$5\r\nowner\r\n:1\r\n"},
		{"no list", hold(RESP), "hello\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if n, _ := c.pattern.Match([]byte(c.in)); n != -1 {
				t.Errorf("got %d bytes", n)
			}
		})
	}
}

func TestWrongReplyQuotesItsFirstLine(t *testing.T) {
	err := wrongReply([]byte("ERROR NOTHELD x\nOK\n"), "OK\n")
	if !errors.Is(err, ErrWrongReply) || errors.Is(err, ErrDenied) || err.Error() != `wrong reply: got "ERROR NOTHELD x\n", want "OK\n"` {
		t.Errorf("got %v", err)
	}
	if err := wrongReply([]byte(strings.Repeat("x", 10_000)), ""); len(err.Error()) > 2*quoteMax {
		t.Errorf("%d bytes are shown", len(err.Error()))
	}
	for _, reply := range []string{"ERROR NOAUTH who are you", "-DENIED no\r\n", "-WRONGPASS no\r\n"} {
		if err := wrongReply([]byte(reply), "OK\n"); !errors.Is(err, ErrDenied) {
			t.Errorf("%q: got %v", reply, err)
		}
	}
}
