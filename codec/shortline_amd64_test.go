package codec

import (
	"strings"
	"testing"
)

// TestShortLineTakesLines holds that it does what it is for; what it leaves costs more, and comes to the same result.
func TestShortLineTakesLines(t *testing.T) {
	name, service := strings.Repeat("n", half), strings.Repeat("s", 64-half-len("RELEASE  \r\n"))
	for line, want := range map[string]bool{
		"ACQUIRE a b 9999999\n": true, "ACQUIRE a b 0\r\n": true, "ACQUIRE a b 1234567\n": true, "ACQUIRE a b 12345678\n": false,
		"RELEASE " + name + " " + service + "\r\n": true, "RELEASE " + name + "n " + service[:5] + "\n": false,
		"RELEASE #n #s\n": true, "HEARTBEAT " + service + " " + service + "\n": true, "RELEASE a! b\n": false, "ACQUIRE a b 1 TTL 5\n": false,
	} {
		b, p := [lineReach]byte{}, Plain{}
		copy(b[:], line)
		if end := shortLine(&b, 0, &p); end != 0 != want || want && int(end) != len(line) {
			t.Errorf("line %q: it ends at %d", line, end)
		}
	}
}
