package settings

import (
	"fmt"
	"net"
	"net/netip"

	"dlm/engine"
)

// validateAddresses returns a problem if the port for locks and the HTTP side would listen
// on one address. The second to bind would fail, with the name of one of them only.
func (s *Server) validateAddresses(origins map[string]string) []error {
	if !sameAddress(s.Engine.Listen, s.HTTP) {
		return nil
	}
	where := func(name string) string {
		if origin, given := origins[name]; given {
			return origin
		}
		return name + ", by default"
	}
	return []error{fmt.Errorf("%s: %s has the port of the HTTP side too (%s: %s): give each a port of its own",
		where("listen"), s.Engine.Listen, where("http"), s.HTTP)}
}

// validateHealth checks the address of the probes. It may be any, since they tell nothing but a word.
func (s *Server) validateHealth(origins map[string]string) []error {
	if s.Health == Off {
		return nil
	}
	if _, _, err := net.SplitHostPort(s.Health); err != nil {
		return []error{fmt.Errorf("%s: %q is neither host:port nor off", origins["health"], s.Health)}
	}
	for name, other := range map[string]string{"port for locks": s.Engine.Listen, "HTTP side": s.HTTP} {
		if sameAddress(s.Health, other) {
			return []error{fmt.Errorf("%s: %s has the port of the %s too: give it one of its own", origins["health"], s.Health, name)}
		}
	}
	return nil
}

// validatePrimary returns a problem if a backup would follow itself, or a port for locks: it would
// never get an image.
func (s *Server) validatePrimary(origins map[string]string) []error {
	primary := engine.PrimaryAddress(s.Engine.BackupOf)
	switch {
	case primary == "":
		return nil
	case sameAddress(s.HTTP, primary):
		return []error{fmt.Errorf("%s: %s is the HTTP address of this server itself: give that of its primary", origins["backup-of"], s.Engine.BackupOf)}
	case sameAddress(s.Engine.Listen, primary):
		return []error{fmt.Errorf("%s: %s is the port for locks of this server itself: give the HTTP address of its primary",
			origins["backup-of"], s.Engine.BackupOf)}
	}
	return nil
}

// sameAddress reports whether two addresses to listen on, host:port, have a port and a host in
// common, as far as that is known without a look-up in the network. Port 0 is a free one for each.
func sameAddress(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil {
		return false
	}
	numberA, errA := net.LookupPort("tcp", portA)
	numberB, errB := net.LookupPort("tcp", portB)
	return errA == nil && errB == nil && numberA == numberB && numberA != 0 && hostsMeet(hostA, hostB)
}

// hostsMeet reports whether an address of one host is one of the other.
func hostsMeet(a, b string) bool {
	if a == b {
		return true
	}
	for _, x := range addressesOf(a) {
		for _, y := range addressesOf(b) {
			if x == y || covers(x, y) || covers(y, x) {
				return true
			}
		}
	}
	return false
}

// covers reports whether any is the unspecified address and stands for other too. That of IPv6
// stands for IPv4 as well.
func covers(any, other netip.Addr) bool {
	return any.IsUnspecified() && (any.Is6() || other.Is4())
}

// addressesOf returns what a host to listen on stands for; nothing for a name that only the
// network knows.
func addressesOf(host string) []netip.Addr {
	switch host {
	case "":
		return []netip.Addr{netip.IPv6Unspecified()}
	case "localhost":
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return nil
	}
	return []netip.Addr{addr.Unmap()}
}
