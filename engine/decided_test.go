package engine

import (
	"testing"

	"dlm/engine/auth"
)

// TestDecidedWaitIsNotTakenForALaterOne: rights change when a grant is decided and not delivered.
// The next wait of the connection must not get its answer.
func TestDecidedWaitIsNotTakenForALaterOne(t *testing.T) {
	const denied = "ERROR DENIED this connection has other rights now: the wait has ended"
	s := newSim(t, withTokens)
	boss, k := s.dial(1), s.dial(0)
	boss.do("AUTH a-token", "OK")
	boss.do("ACQUIRE team/x boss 0", "OK")
	boss.do("ACQUIRE team/y boss 0", "OK")
	k.do("AUTH l-token", "OK")
	k.send("@1 ACQUIRE team/x worker 60000\n@2 ACQUIRE team/y worker 60000\n")
	s.hold = true
	boss.send("RELEASE team/x boss\n")
	if err := s.e.SetCredentials([]auth.Credential{cred("worker", auth.RoleLock, "l-token", "team/"), cred("boss", auth.RoleAdmin, "a-token")}); err != nil {
		t.Fatal(err)
	}
	k.r.recheck()
	k.send("@3 ACQUIRE team/y worker 60000\n")
	s.deliver()
	k.expect("@2 " + denied + "\n@1 OK\n")
	boss.expect("OK\n")
	boss.do("RELEASE team/y boss", "OK")
	k.expect("@3 OK\n")
}
