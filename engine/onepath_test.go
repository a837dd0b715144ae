//go:build invariants

package engine

import (
	"testing"

	"dlm/engine/auth"
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
		for _, prefixes := range [][]string{nil, {"x"}} {
			token := cred("one", auth.RoleLock, "one-token", prefixes...)
			who, ok := auth.NewAuthority([]auth.Credential{token}, nil, "").Identify([]byte("one-token"))
			if !ok {
				t.Fatal("the token is not known")
			}
			c := r.open(&sink{})
			c.be(who)
			tried := r.dec.Tried()
			hashes, locks := table.Counted()
			r.feed(c, []byte(line))
			tried = r.dec.Tried() - tried
			hashesNow, locksNow := table.Counted()
			hashesNow, locksNow = hashesNow-hashes, locksNow-locks
			if tried != 1 || hashesNow != 1 || locksNow != 1 {
				t.Errorf("%q, prefixes %q: decoded %d times, hashed %d, locked %d", line, prefixes,
					tried, hashesNow, locksNow)
			}
		}
	}
}
