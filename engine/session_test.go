package engine

import (
	"crypto/sha256"
	"testing"
	"time"

	"dlm/engine/auth"
)

const revoked = "ERROR NOAUTH the token of this connection is not known any more: authenticate with another"

// setTokens replaces the credentials and lets the loops check their connections.
func (s *sim) setTokens(creds ...auth.Credential) {
	s.t.Helper()
	if err := s.e.SetCredentials(creds); err != nil {
		s.t.Fatal(err)
	}
	s.sweep()
}

// TestTokenThatIsRemovedEndsItsConnections: they are told why, their waits end, their holds stay.
func TestTokenThatIsRemovedEndsItsConnections(t *testing.T) {
	s := newSim(t, withTokens)
	worker, redis, boss := s.dial(0), s.dial(1), s.dial(1)
	for _, k := range []*client{worker, redis} {
		k.do("AUTH l-token", "OK")
	}
	boss.do("AUTH a-token", "OK")
	boss.do("ACQUIRE busy boss 0", "OK")
	worker.do("ACQUIRE kept worker 0", "OK")
	worker.send("@7 ACQUIRE busy w7 60000\nACQUIRE busy worker 60000\nRELEASE kept worker\n")
	redis.send("*4\r\n$7\r\nACQUIRE\r\n$4\r\nbusy\r\n$1\r\nr\r\n$5\r\n60000\r\n")
	s.setTokens(cred("boss", auth.RoleAdmin, "a-token"), cred("other", auth.RoleLock, "o-token"))

	worker.expect("@7 " + revoked + "\n" + revoked + "\n")
	redis.expect("-" + revoked[len("ERROR "):] + "\r\n")
	if !worker.finished || !redis.finished || boss.finished {
		t.Fatalf("ended: %v, %v, and one whose token stays: %v", worker.finished, redis.finished, boss.finished)
	}
	if n := s.e.tab().Totals().Waiters; n != 0 {
		t.Fatalf("%d still wait", n)
	}
	if s.free("kept") {
		t.Fatal("the hold has ended with the connection")
	}
	worker.send("RELEASE kept worker\n")
	worker.expect("")
	if n := s.e.rejected[rejectRevoked].Load(); n != 2 {
		t.Fatalf("%d counted", n)
	}
	boss.do("RELEASE busy boss", "OK")
}

// TestRoleThatChangesHoldsForOpenConnections: also for one that becomes larger.
func TestRoleThatChangesHoldsForOpenConnections(t *testing.T) {
	s := newSim(t, withTokens)
	worker, reader, team, boss := s.dial(0), s.dial(1), s.dial(0), s.dial(1)
	worker.do("AUTH l-token", "OK")
	reader.do("AUTH r-token", "OK")
	team.do("AUTH t-token", "OK")
	boss.do("AUTH a-token", "OK")
	boss.do("ACQUIRE team/x boss 0", "OK")
	boss.do("ACQUIRE own/x boss 0", "OK")
	worker.send("@1 ACQUIRE team/x worker 60000\n")
	team.send("ACQUIRE team/x t 60000\nPING\n")
	s.setTokens(
		cred("worker", auth.RoleRead, "l-token"),
		cred("reader", auth.RoleLock, "r-token"),
		cred("team", auth.RoleLock, "t-token", "own/"),
		cred("boss", auth.RoleAdmin, "a-token"))

	const denied = "ERROR DENIED the token of this connection has other rights: the wait has ended"
	worker.expect("@1 " + denied + "\n")
	worker.do("ACQUIRE y worker 0", "ERROR DENIED the role read may not do this")
	worker.do("PING", "OK")
	reader.do("ACQUIRE y reader 0", "OK")
	team.expect(denied + "\nOK\n")
	team.do("STATUS team/x", stolen)
	team.do("ACQUIRE own/y t 0", "OK")
	if n := s.e.tab().Totals().Waiters; n != 0 {
		t.Fatalf("%d still wait", n)
	}
}

// TestTokenKeepsItsConnectionsUnderNewName, so that a token can be replaced while the old one
// still works.
func TestTokenKeepsItsConnectionsUnderNewName(t *testing.T) {
	s := newSim(t, withTokens)
	worker, team, boss := s.dial(0), s.dial(1), s.dial(1)
	worker.do("AUTH l-token", "OK")
	team.do("AUTH t-token", "OK")
	boss.do("AUTH a-token", "OK")
	boss.do("ACQUIRE x boss 0", "OK")
	boss.do("ACQUIRE team/x boss 0", "OK")
	worker.send("ACQUIRE x worker 60000\n")
	team.send("ACQUIRE team/x team 60000\n")
	s.setTokens(
		cred("worker-old", auth.RoleLock, "l-token"), cred("worker", auth.RoleLock, "l2-token"),
		cred("team", auth.RoleLock, "t-token", "t", "shared/"), // more than before
		cred("boss", auth.RoleAdmin, "a-token"))
	worker.expect("")
	boss.do("RELEASE x boss", "OK")
	boss.do("RELEASE team/x boss", "OK")
	worker.expect("OK\n")
	team.expect("OK\n")
	team.do("ACQUIRE tx team 0", "OK")
	s.setTokens(cred("worker", auth.RoleLock, "l2-token"), cred("boss", auth.RoleAdmin, "a-token"))
	worker.expect(revoked + "\n")
}

// TestTokensForOpenServerCloseIt: connections that never showed one have the time to
// authenticate.
func TestTokensForOpenServerCloseIt(t *testing.T) {
	sum := sha256.Sum256([]byte("secret"))
	s := newSim(t, func(c *Config) { c.AdminToken = &sum })
	k, admin := s.dial(0), s.dial(1)
	admin.do("AUTH secret", "OK")
	k.do("ACQUIRE x me 0", "OK")
	s.advance(time.Minute)
	s.setTokens(cred("worker", auth.RoleLock, "l-token"))
	s.sweep()
	k.do("ACQUIRE y me 0", noAuth)
	k.do("AUTH l-token", "OK")
	k.do("ACQUIRE y me 0", "OK")
	admin.do("FORCE-RELEASE y TOKEN 1", "ERROR STALE the token is not that of the present hold")
}
