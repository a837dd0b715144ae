package settings

import (
	"fmt"
	"net"
	"net/netip"

	"dlm/engine"
	"dlm/engine/durability"
)

// validateHTTP applies the rule of the lock port to the HTTP side: without tokens it serves this
// machine only.
func (s *Server) validateHTTP(origins map[string]string) []error {
	if s.HTTP == Off {
		return nil
	}
	host, port, err := net.SplitHostPort(s.HTTP)
	if err != nil {
		return []error{fmt.Errorf("%s: %q is neither host:port nor off", origins["http"], s.HTTP)}
	}
	if !engine.IsPort(port) {
		return []error{fmt.Errorf("%s: %q has no port from 0 to 65535", origins["http"], s.HTTP)}
	}
	ip := net.ParseIP(host)
	if s.TokenFile == "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return []error{fmt.Errorf("%s: %q is not a loopback address: without a --token-file anybody "+
			"could fetch the images from it", origins["http"], s.HTTP)}
	}
	return nil
}

// validateHealth checks the address of the probes. It may be any address, because probes answer
// one word.
func (s *Server) validateHealth(origins map[string]string) []error {
	if s.Health == Off {
		return nil
	}
	_, port, err := net.SplitHostPort(s.Health)
	if err != nil {
		return []error{fmt.Errorf("%s: %q is neither host:port nor off", origins["health"], s.Health)}
	}
	if !engine.IsPort(port) {
		return []error{fmt.Errorf("%s: %q has no port from 0 to 65535", origins["health"], s.Health)}
	}
	for _, other := range []struct{ flag, addr string }{{"--listen", s.Engine.Listen}, {"--tls-listen", s.Engine.TLSListen}, {"--http", s.HTTP}} {
		if sameAddress(s.Health, other.addr) {
			return []error{fmt.Errorf("%s: %s is also the address of %s: choose another port",
				origins["health"], s.Health, other.flag)}
		}
	}
	return nil
}

// validateAddresses returns a problem if the lock port and the HTTP side have one address.
// Without this check the second of them fails to bind, and its error names only itself.
func (s *Server) validateAddresses(origins map[string]string) []error {
	if given := origins["tls-listen"]; given != "" {
		for _, other := range []struct{ name, addr string }{{"listen", s.Engine.Listen}, {"http", s.HTTP}} {
			if sameAddress(s.Engine.TLSListen, other.addr) {
				return []error{fmt.Errorf("%s: %s is also the address of --%s: choose another port",
					given, s.Engine.TLSListen, other.name)}
			}
		}
	}
	if !sameAddress(s.Engine.Listen, s.HTTP) {
		return nil
	}
	where := func(name string) string {
		if origin, given := origins[name]; given {
			return origin
		}
		return "the default of --" + name
	}
	return []error{fmt.Errorf("%s: %s is also the HTTP address (%s: %s): choose another port for one of them",
		where("listen"), s.Engine.Listen, where("http"), s.HTTP)}
}

// validatePrimary returns a problem if a backup would follow itself, or a lock port: it would
// never get an image.
func (s *Server) validatePrimary(origins map[string]string) []error {
	primary := durability.PrimaryAddress(s.Engine.BackupOf)
	switch {
	case primary == "":
		return nil
	case sameAddress(s.HTTP, primary):
		return []error{fmt.Errorf("%s: %s is this server's own HTTP address: give the one of its primary",
			origins["backup-of"], s.Engine.BackupOf)}
	case sameAddress(s.Engine.Listen, primary):
		return []error{fmt.Errorf("%s: %s is this server's own lock port: give the HTTP address of its primary",
			origins["backup-of"], s.Engine.BackupOf)}
	}
	return nil
}

// sameAddress reports whether two addresses to listen on, host:port, share a port and a host, as
// far as that is known without asking the network. Port 0 is a free one for each.
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

// hostsMeet reports whether two hosts share an address.
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

// covers reports whether any is the unspecified address and includes other. The unspecified
// address of IPv6 includes IPv4.
func covers(any, other netip.Addr) bool {
	return any.IsUnspecified() && (any.Is6() || other.Is4())
}

// addressesOf returns the addresses that a host to listen on means, none for a name that only
// the network knows.
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
