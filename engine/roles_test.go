package engine

import (
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"dlm/engine/auth"
)

func cred(name string, role auth.Role, token string, prefixes ...string) auth.Credential {
	return auth.Credential{Name: name, Role: role, SHA256: sha256.Sum256([]byte(token)), Bounds: auth.Bounds{Prefixes: prefixes}}
}

func withTokens(c *Config) {
	c.Credentials = []auth.Credential{
		cred("reader", auth.RoleRead, "r-token"),
		cred("worker", auth.RoleLock, "l-token"),
		cred("team", auth.RoleLock, "t-token", "team/", "shared/"),
		{Name: "billing", Role: auth.RoleLock, SHA256: sha256.Sum256([]byte("s-token")), Bounds: auth.Bounds{Services: []string{"billing-"}}},
		{Name: "prover", Role: auth.RoleLock, SHA256: sha256.Sum256([]byte("p-token")), Bounds: auth.Bounds{RequireToken: true}},
		cred("boss", auth.RoleAdmin, "a-token"),
		cred("standby", auth.RoleBackup, "b-token"),
	}
}

const (
	noAuth = "ERROR NOAUTH authenticate first: AUTH <token>"
	stolen = "ERROR DENIED this token may not do this with this lock name"
)

// TestRolesCoverVerbs checks that the order of the roles agrees with the verbs that they allow.
func TestRolesCoverVerbs(t *testing.T) {
	for a := range auth.Roles {
		for b := range auth.Roles {
			if a.Covers(b) != (verbsOf[b]&^verbsOf[a] == 0) {
				t.Errorf("%s covers %s: %v", a, b, a.Covers(b))
			}
		}
	}
}

func TestWrongTokensCloseConnection(t *testing.T) {
	s := newSim(t, withTokens)
	k := s.dial(0)
	k.do("PING", noAuth)
	k.do("AUTH mistaken", "ERROR DENIED no such token")
	k.do("AUTH mistaken", "ERROR DENIED no such token")
	k.do("AUTH mistaken", "ERROR DENIED no such token")
	if !k.finished {
		t.Fatal("the stream was not ended")
	}
	k.send("AUTH a-token\nPING\n")
	k.expect("")
	s.sweep()
	if strings.Contains(s.auditText(), "mistaken") || !strings.Contains(s.log.String(), "wrong tokens") {
		t.Fatalf("log %q", s.log.String())
	}
}

func TestWithoutTokensThereIsNoTimeLimitAndNoForce(t *testing.T) {
	s := newSim(t, nil)
	k := s.dial(0)
	s.advance(time.Minute)
	s.sweep()
	k.do("ACQUIRE x A 0", "OK")
	k.do("FORCE-RELEASE x", "ERROR DENIED only an admin may do this: AUTH with the token in the file admin.token, or in DLM_ADMIN_TOKEN")
	k.do("AUTH whatever", "ERROR DENIED this server has no tokens: everything but FORCE-RELEASE is open")
}

func TestAdminTokenAloneLeavesRestOpen(t *testing.T) {
	sum := sha256.Sum256([]byte("secret"))
	s := newSim(t, func(c *Config) { c.AdminToken = &sum })
	a, b, admin := s.dial(0), s.dial(1), s.dial(0)
	a.send("DETAIL ON\nACQUIRE \"x y\" A 0\n")
	a.expectPrefix("OK\nOK token=")
	b.send("ACQUIRE \"x y\" B 1000\n")
	admin.do("FORCE-RELEASE \"x y\"", "ERROR DENIED only an admin may do this: AUTH with the token in the file admin.token, or in DLM_ADMIN_TOKEN")
	admin.do("AUTH secret", "OK")
	admin.do("FORCE-RELEASE \"x y\" TOKEN 1", "ERROR STALE the token is not that of the present hold")
	admin.send("FORCE-RELEASE \"x y\" REASON \"stuck for hours\"\n")
	admin.expectPrefix("OK token=")
	b.expect("OK\n")
	a.do("HEARTBEAT \"x y\" A", "ERROR NOTOWNER another service holds this lock")
	log := s.auditText()
	for _, want := range []string{"forced release", "by=DLM_ADMIN_TOKEN", "from=10.0.0.1:1000", `lock="x y"`, "owner=A", "token=", `reason="stuck for hours"`} {
		if !strings.Contains(log, want) {
			t.Errorf("audit line lacks %s: %s", want, log)
		}
	}
	if strings.Contains(log, "secret") {
		t.Error("the token is in the log")
	}
}

// TestATokenThatHasToProveItsHolds renews and releases by the token of the hold.
func TestATokenThatHasToProveItsHolds(t *testing.T) {
	s := newSim(t, withTokens)
	k := s.dial(0)
	k.send("AUTH p-token\nDETAIL ON\nACQUIRE x A 0\n")
	_, token, _ := strings.Cut(strings.TrimPrefix(k.reads(), "OK\nOK\n"), "token=")
	token, _, _ = strings.Cut(token, " ")
	k.do("DETAIL OFF", "OK")
	k.do("RELEASE x A", "ERROR DENIED this token has to name the hold: give TOKEN <n>")
	k.do("HEARTBEAT x A TOKEN "+token, "OK")
	k.do("RELEASE x A TOKEN "+token, "OK")
	if !s.free("x") {
		t.Error("not released")
	}
}

func TestLargeArgumentsBeforeAUTHAreRefused(t *testing.T) {
	for _, input := range []string{
		"AUTH " + strings.Repeat("x", 1025) + "\n",
		"AUTH 1 2 3 4 5 6 7 8\n",
		"*9\r\n",
		"*2\r\n$4\r\nAUTH\r\n$1025\r\n",
	} {
		s := newSim(t, withTokens)
		k := s.dial(0)
		k.send(input)
		if got := k.reads(); !strings.Contains(got, "TOOBIG") || !k.finished {
			t.Errorf("%.20q: %q, ended %v", input, got, k.finished)
		}
	}
}

func TestNewCredentialsHoldForNewConnections(t *testing.T) {
	s := newSim(t, withTokens)
	if err := s.e.SetCredentials([]auth.Credential{cred("new", auth.RoleRead, "n-token")}); err != nil {
		t.Fatal(err)
	}
	s.settle()
	k := s.dial(0)
	k.do("AUTH l-token", "ERROR DENIED no such token")
	k.do("AUTH n-token", "OK")
	for name, creds := range map[string][]auth.Credential{"without a name": {{Name: ""}}, "none at all": nil} {
		if err := s.e.SetCredentials(creds); err == nil {
			t.Errorf("credentials %s were taken", name)
		}
	}
}
