package bench

import (
	"errors"
	"strings"
	"testing"

	"dlm/codec"
)

const heldReply = "*6\r\n$5\r\ntoken\r\n:1838080000000001\r\n$5\r\ncount\r\n:1\r\n$8\r\nlease_ms\r\n:30000\r\n"

// feed gives a stream of bytes to an expectation in pieces and returns how
// many replies were complete at its end.
func feed(w *expectation, in string, piece int) (complete int, err error) {
	var carry []byte
	off := 0
	for len(in) > 0 {
		n := min(piece, len(in))
		carry = append(carry, in[:n]...)
		in = in[n:]
		used, done, err := w.match(carry, off, complete)
		if err != nil {
			return complete, err
		}
		carry = carry[used:]
		off += used
		complete += done
	}
	return complete, nil
}

func TestRepliesAreCountedHoweverTheyArrive(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []string
		in      string
	}{
		{"lines of text", []string{"OK\n", "OK\n", "OK\n"}, "OK\nOK\nOK\n"},
		{"answers of different lengths", []string{"+OK\r\n", ":1\r\n", "+OK\r\n"}, "+OK\r\n:1\r\n+OK\r\n"},
		{"fields of holds", []string{"", "", ""}, strings.Repeat(heldReply, 3)},
	} {
		t.Run(c.name, func(t *testing.T) {
			for piece := 1; piece <= len(c.in); piece++ {
				if n, err := feed(expectAll(c.answers), c.in, piece); n != len(c.answers) || err != nil {
					t.Fatalf("in pieces of %d: %d replies, %v", piece, n, err)
				}
			}
		})
	}
}

func TestWrongReplyIsErrorAndQuoted(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []string
		in      string
		quoted  string
	}{
		{"an error in place of the first", []string{"OK\n", "OK\n"}, "ERROR TIMEOUT not granted\n", `"ERROR TIMEOUT not granted\n"`},
		{"an error after a right one", []string{"OK\n", "OK\n"}, "OK\nERROR NOTHELD x\n", `"ERROR NOTHELD x\n"`},
		{"more than OK", []string{"OK\n"}, "OK token=1\n", `"OK token=1\n"`},
		{"a RESP error for fields", []string{"", ""}, heldReply + "-TIMEOUT not granted\r\n", `"-TIMEOUT not granted\r\n"`},
		{"fields without a number", []string{""}, strings.Replace(heldReply, ":1", ":x", 1), `"*6\r\n"`},
		{"another list", []string{""}, "*2\r\n$5\r\nowner\r\n:1\r\n", `"*2\r\n"`},
		{"no list", []string{""}, "hello\r\n", `"hello\r\n"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := feed(expectAll(c.answers), c.in, len(c.in))
			if !errors.Is(err, ErrWrongReply) || !strings.Contains(err.Error(), c.quoted) {
				t.Fatalf("got %v, want a wrong reply with %s", err, c.quoted)
			}
			if _, err := feed(expectAll(c.answers), c.in, 1); !errors.Is(err, ErrWrongReply) {
				t.Fatalf("byte by byte: %v", err)
			}
		})
	}
}

func TestTagged(t *testing.T) {
	if tag, rest, ok := tagged([]byte("@17 OK\n")); tag != 17 || string(rest) != "OK\n" || !ok {
		t.Errorf("got %d %q %v", tag, rest, ok)
	}
	for _, reply := range []string{"OK\n", "@x OK\n", "@17\n", ""} {
		if _, _, ok := tagged([]byte(reply)); ok {
			t.Errorf("%q has a tag", reply)
		}
	}
}

// expectAll expects ACQUIREs to be answered so: as lines, or in RESP if an answer is empty.
func expectAll(answers []string) *expectation {
	form := Text
	if answers[0] == "" {
		form = RESP
	}
	verbs := make([]byte, len(answers))
	for i := range verbs {
		verbs[i] = byte(codec.VerbAcquire)
	}
	return expect(protocolOf(form), verbs, answers)
}
