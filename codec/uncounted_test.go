package codec

import (
	"fmt"
	"testing"
)

func TestUncountedIsTheSameCommandWithoutCount(t *testing.T) {
	var d, e Decoder
	for _, in := range []string{
		"HEARTBEAT x svc COUNT 3 TOKEN 7\n",
		"heartbeat \"a \\\"b\\\" \\x00\\xff\" svc TTL 500 TOKEN 1790000000000000000 COUNT 2\n",
		"*7\r\n$9\r\nHEARTBEAT\r\n$4\r\na\r\nb\r\n$1\r\ns\r\n$5\r\nTOKEN\r\n$2\r\n12\r\n$5\r\nCOUNT\r\n$1\r\n1\r\n",
		"*9\r\n$9\r\nHEARTBEAT\r\n$1\r\nx\r\n$1\r\ns\r\n$3\r\nTTL\r\n$5\r\n30000\r\n$5\r\nTOKEN\r\n$2\r\n12\r\n$5\r\nCOUNT\r\n$1\r\n1\r\n",
	} {
		var was, is Command
		if _, st := d.Decode([]byte(in), &was); st != Ready || !was.Has(OptCount) {
			t.Fatalf("%q: %v", in, st)
		}
		out := AppendUncounted(nil, &was)
		n, st := e.Decode(out, &is)
		if st != Ready || n != len(out) {
			t.Fatalf("%q: %v, %d of %d bytes", out, st, n, len(out))
		}
		show := func(c *Command, opts Opts) string {
			return fmt.Sprintf("%v %v %v %q %q %d %d", c.Verb, c.Form, opts, c.Name, c.Service, c.Token, max(c.TTLMs, 0))
		}
		if !is.Has(OptTTL) {
			is.TTLMs, was.TTLMs = 0, 0
		}
		if got, want := show(&is, is.Opts), show(&was, was.Opts&^OptCount); got != want {
			t.Errorf("%q became %q: %s, want %s", in, out, got, want)
		}
	}
}
