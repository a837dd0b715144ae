package auth

import "testing"

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
