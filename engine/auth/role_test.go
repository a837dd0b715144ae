package auth

import (
	"crypto/sha256"
	"testing"
)

func TestParseRole(t *testing.T) {
	for r := range Roles {
		got, err := ParseRole(r.String())
		if r == RoleNone && err == nil || r != RoleNone && (err != nil || got != r) {
			t.Errorf("%s: %v, %v", r, got, err)
		}
	}
	if _, err := ParseRole("root"); err == nil {
		t.Error("an unknown role was taken")
	}
}

// TestNarrowedTo checks when a connection loses rights.
func TestNarrowedTo(t *testing.T) {
	lock := func(prefixes ...string) Identity {
		c := Credential{Role: RoleLock, Bounds: Bounds{Prefixes: prefixes}}
		return c.identity()
	}
	bound := func(b Bounds) Identity {
		c := Credential{Role: RoleLock, Bounds: b}
		return c.identity()
	}
	for _, c := range []struct {
		name       string
		from, to   Identity
		isNarrower bool
	}{
		{"the same role", lock(), lock(), false},
		{"a broader role", lock(), Identity{Role: RoleAdmin}, false},
		{"a narrower role", lock(), Identity{Role: RoleRead}, true},
		{"prefixes are new", lock(), lock("a/"), true},
		{"prefixes are gone", lock("a/"), lock(), false},
		{"a shorter prefix", lock("a/b"), lock("a/"), false},
		{"a longer prefix", lock("a/"), lock("a/b"), true},
		{"one of two is gone", lock("a/", "b/"), lock("a/"), true},
		{"services are new", lock(), bound(Bounds{Services: []string{"a-"}}), true},
		{"services are gone", bound(Bounds{Services: []string{"a-"}}), lock(), false},
		{"a service is gone", bound(Bounds{Services: []string{"a-", "b-"}}), bound(Bounds{Services: []string{"b-"}}), true},
		{"it has to show tokens", lock(), bound(Bounds{RequireToken: true}), true},
		{"it has to show no tokens any more", bound(Bounds{RequireToken: true}), lock(), false},
	} {
		if got := c.from.NarrowedTo(&c.to); got != c.isNarrower {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestQuotasThatCanNotBeCounted checks which quotas are refused, and which tokens share one.
func TestQuotasThatCanNotBeCounted(t *testing.T) {
	token := func(n byte, services []string, q Quota) Credential {
		return Credential{Name: string('a' + rune(n)), Role: RoleLock, SHA256: [32]byte{n}, Bounds: Bounds{Services: services}, Quota: q}
	}
	for _, c := range []struct {
		name  string
		creds []Credential
		ok    bool
	}{
		{"locks without services", []Credential{token(0, nil, Quota{Locks: 1})}, false},
		{"connections without services", []Credential{token(0, nil, Quota{Conns: 1})}, true},
		{"below zero", []Credential{token(0, []string{"a"}, Quota{Locks: -1})}, false},
		{"other services", []Credential{token(0, []string{"a"}, Quota{Locks: 1}), token(1, []string{"b"}, Quota{Locks: 2})}, true},
		{"services that begin alike", []Credential{token(0, []string{"a"}, Quota{Locks: 1}), token(1, []string{"b", "ab"}, Quota{Waiters: 2})}, false},
		{"the same services and quota", []Credential{token(0, []string{"a", "b"}, Quota{Locks: 1}), token(1, []string{"b", "a"}, Quota{Locks: 1, Conns: 3})}, true},
		{"the same services, another quota", []Credential{token(0, []string{"a"}, Quota{Locks: 1}), token(1, []string{"a"}, Quota{Locks: 2})}, false},
		{"no quota for the second", []Credential{token(0, []string{"a"}, Quota{Locks: 1}), token(1, []string{"ab"}, Quota{})}, true},
	} {
		if errs := Validate(c.creds); (len(errs) == 0) != c.ok {
			t.Errorf("%s: %v", c.name, errs)
		}
	}
}

// TestCountedIdentities checks which tokens can act for services with a quota.
func TestCountedIdentities(t *testing.T) {
	creds := []Credential{
		{Name: "billing", Role: RoleLock, SHA256: sha256.Sum256([]byte("billing")), Bounds: Bounds{Services: []string{"billing-"}}, Quota: Quota{Locks: 1}},
		{Name: "one", Role: RoleLock, SHA256: sha256.Sum256([]byte("one")), Bounds: Bounds{Services: []string{"billing-1"}}},
		{Name: "wide", Role: RoleLock, SHA256: sha256.Sum256([]byte("wide")), Bounds: Bounds{Services: []string{"b"}}},
		{Name: "stock", Role: RoleLock, SHA256: sha256.Sum256([]byte("stock")), Bounds: Bounds{Services: []string{"stock-"}}},
		{Name: "any", Role: RoleLock, SHA256: sha256.Sum256([]byte("any"))},
	}
	admin := sha256.Sum256([]byte("admin"))
	for quotas, a := range map[bool]*Authority{true: NewAuthority(creds, &admin, "x"), false: NewAuthority(creds[1:], &admin, "x")} {
		for name, want := range map[string]bool{"one": true, "wide": true, "stock": false, "any": true, "admin": true} {
			id, ok := a.Identify([]byte(name))
			again, still := a.Current(&id, nil)
			if !ok || !still || id.Counted != (want && quotas) || again.Counted != id.Counted || name == "any" && id.Unbound() == quotas {
				t.Errorf("%s with quotas %v: %+v, %v", name, quotas, id, again)
			}
		}
	}
}
