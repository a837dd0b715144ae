package auth

import (
	"net/netip"
	"testing"
)

func TestKeysOfAddresses(t *testing.T) {
	key := func(s string) AddressKey { return KeyOf(netip.MustParseAddr(s)) }
	for _, same := range [][2]string{{"192.0.2.7", "::ffff:192.0.2.7"}, {"2001:db8:1:2::1", "2001:db8:1:2:ffff::9"}} {
		if key(same[0]) != key(same[1]) {
			t.Errorf("%s and %s differ", same[0], same[1])
		}
	}
	for _, differ := range [][2]string{{"192.0.2.7", "192.0.2.8"}, {"2001:db8:1:2::1", "2001:db8:1:3::1"}, {"127.0.0.1", "::1"}, {"0.0.0.0", "::"}} {
		if key(differ[0]) == key(differ[1]) {
			t.Errorf("%s and %s are the same", differ[0], differ[1])
		}
	}
	if key("255.255.255.255") == NoAddress || KeyOf(netip.Addr{}) != NoAddress {
		t.Error("no address is one")
	}
}
