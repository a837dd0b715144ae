package engine

import (
	"strings"
	"testing"
)

// TestNothingBehindAnotherProtocolIsExecuted has a command after each, as text and as an array.
func TestNothingBehindAnotherProtocolIsExecuted(t *testing.T) {
	for name, header := range map[string]string{
		"PROXY v1":                "PROXY TCP4 192.0.2.7 192.0.2.1 51234 7420\r\n",
		"PROXY v2":                "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc0\x00\x02\x01\xc8\x22\x1c\xfc",
		"PROXY v2 LOCAL":          "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00",
		"HTTP":                    "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"HTTP, a verb of its own": "PURGE / HTTP/1.1\r\n\r\n",
		"TLS":                     "\x16\x03\x01\x00\xc8\x01\x00\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t, nil)
			input := header + "ACQUIRE x me 0\n*4\r\n$7\r\nACQUIRE\r\n$1\r\nx\r\n$2\r\nme\r\n$1\r\n0\r\n"
			for size := 1; size <= len(input); size++ {
				k := s.dial(0)
				for rest := input; len(rest) > 0; {
					piece := rest[:min(size, len(rest))]
					k.send(piece)
					rest = rest[len(piece):]
				}
				if got := k.reads(); !strings.HasPrefix(got, "ERROR BADARG ") || strings.Count(got, "\n") != 1 || !k.finished {
					t.Fatalf("in pieces of %d: %q, closed %v", size, got, k.finished)
				}
				if !s.free("x") {
					t.Fatalf("in pieces of %d: a command behind it was executed", size)
				}
				k.hangUp()
			}
			if n := s.e.rejected[rejectProtocol].Load(); n != uint64(len(input)) {
				t.Errorf("%d connections are counted, want %d", n, len(input))
			}
			s.empty()
		})
	}
}
