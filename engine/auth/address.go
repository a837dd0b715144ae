package auth

import (
	"encoding/binary"
	"net/netip"

	"dlm/engine/peer"
)

// AddressKey stands for the address that a connection comes from: one address of IPv4, or the /64
// of an address of IPv6, because a single machine can use all addresses of a /64.
type AddressKey uint64

const (
	NoAddress AddressKey = 1<<64 - 1     // of a connection in memory
	ipv4Key   AddressKey = 1<<64 - 1<<32 // no /64 of a sender begins so: these are multicast groups
)

// KeyOf returns the key of an address, NoAddress for the zero Addr.
func KeyOf(ip netip.Addr) AddressKey {
	ip = peer.Of(ip).Addr()
	switch {
	case ip.Is4():
		b := ip.As4()
		key := ipv4Key | AddressKey(binary.BigEndian.Uint32(b[:]))
		if key == NoAddress { // 255.255.255.255 is the address of no machine
			return ipv4Key
		}
		return key
	case ip.Is6():
		b := ip.As16()
		return AddressKey(binary.BigEndian.Uint64(b[:8]))
	}
	return NoAddress
}
