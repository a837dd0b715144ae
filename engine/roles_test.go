package engine

import (
	"crypto/sha256"
	"strings"
	"testing"

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

func TestCredentialsThatAreRefused(t *testing.T) {
	s := newSim(t, withTokens)
	for name, creds := range map[string][]auth.Credential{"without a name": {{Name: ""}}, "none at all": nil} {
		if err := s.e.SetCredentials(creds); err == nil {
			t.Errorf("credentials %s were taken", name)
		}
	}
}
