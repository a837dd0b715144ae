package peer

import (
	"net/netip"
	"testing"
)

func TestOf(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7":               "192.0.2.7/32",
		"::ffff:192.0.2.7":        "192.0.2.7/32",
		"2001:db8:1:2:3:4:5:6":    "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff:4:5:7": "2001:db8:1:2::/64",
		"2001:db8:1:3:ffff:4:5:7": "2001:db8:1:3::/64",
		"fe80::1%eth0":            "fe80::/64",
		"::1":                     "::/64",
	} {
		if got := Of(netip.MustParseAddr(addr)).String(); got != want {
			t.Errorf("%s belongs to %s, want %s", addr, got, want)
		}
	}
	if p := Of(netip.Addr{}); p.Addr().IsValid() {
		t.Errorf("no address belongs to %v", p)
	}
}
