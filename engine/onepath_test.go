//go:build invariants

package engine

import (
	"testing"

	"dlm/table"
)

// TestLoneCommandTakesOnePath counts what a command costs that is alone in its read, and that the
// common rules of the table do not settle: one decode, one hash, one lock.
func TestLoneCommandTakesOnePath(t *testing.T) {
	for _, line := range []string{
		"ACQUIRE x b 60000\n", "@1 ACQUIRE x b 60000 TTL 5000\n", "ACQUIRE x b 0\n", "ACQUIRE x a 0\n", "RELEASE x b\n",
		"HEARTBEAT x a TOKEN 1\n", "*4\r\n$7\r\nACQUIRE\r\n$1\r\nx\r\n$1\r\nb\r\n$5\r\n60000\r\n",
	} {
		s := newSim(t, nil)
		r := s.e.reactors[0]
		r.feed(r.open(&sink{}), []byte("ACQUIRE x a 0\n"))
		c := r.open(&sink{})
		tried := r.dec.Tried()
		hashes, locks := table.Counted()
		r.feed(c, []byte(line))
		tried = r.dec.Tried() - tried
		hashesNow, locksNow := table.Counted()
		if tried != 1 || hashesNow-hashes != 1 || locksNow-locks != 1 {
			t.Errorf("%q: decoded %d times, hashed %d, locked %d", line, tried, hashesNow-hashes, locksNow-locks)
		}
	}
}
