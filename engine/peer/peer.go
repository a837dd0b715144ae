// Package peer knows which part of an address stands for one machine, in limits, counts and the
// audit. It imports nothing of the server.
package peer

import "net/netip"

// bitsIPv6 are the first bits of an IPv6 address that belong to one machine, which can use all
// addresses that begin so.
const bitsIPv6 = 64

// Of returns what an address has in common with all addresses of the same machine: the address
// itself, or the /64 of an address of IPv6. An address of IPv4 within IPv6 is one of IPv4. Of the
// zero Addr it returns the zero Prefix.
func Of(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		return netip.PrefixFrom(addr, bitsIPv6).Masked()
	}
	return netip.PrefixFrom(addr, addr.BitLen())
}
