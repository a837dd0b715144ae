package engine

import (
	"strings"
	"testing"
)

// TestPipelinesOfPairsAreNotKept: a loop whose round is over its budget still executes each read of
// lock commands whole. If it kept the rest, a client that sends as fast as it is read would be
// closed.
func TestPipelinesOfPairsAreNotKept(t *testing.T) {
	const read = 64 << 10
	s := newSim(t, nil)
	s.hold = true // one poll
	a := s.dial(0)
	stream := strings.Repeat("ACQUIRE p me 0\nRELEASE p me\n", 20_000)
	for len(stream) >= read {
		a.send(stream[:read])
		stream = stream[read:]
		if kept := a.c.pending.size(); kept > 0 || a.c.postponed {
			t.Fatalf("%d bytes of a read of plain commands are kept", kept)
		}
	}
}
