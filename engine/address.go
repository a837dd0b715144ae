package engine

import (
	"encoding/binary"
	"net"
	"net/netip"
)

// addressKey stands for the address that a connection comes from: one address of IPv4, or
// the /64 of one of IPv6, of which a single machine has as many addresses as it likes.
type addressKey uint64

const (
	noAddress addressKey = 1<<64 - 1     // of a connection in memory
	ipv4Key   addressKey = 1<<64 - 1<<32 // no /64 begins so: these are groups, which send nothing
)

// keyOf returns the key of an address.
func keyOf(ip netip.Addr) addressKey {
	ip = ip.Unmap()
	switch {
	case ip.Is4():
		b := ip.As4()
		key := ipv4Key | addressKey(binary.BigEndian.Uint32(b[:]))
		if key == noAddress { // 255.255.255.255, which nobody has
			return ipv4Key
		}
		return key
	case ip.Is6():
		b := ip.As16()
		return addressKey(binary.BigEndian.Uint64(b[:8]))
	}
	return noAddress
}

// addressOf returns the address of the peer of a socket, without its port.
func addressOf(remote net.Addr) netip.Addr {
	if tcp, ok := remote.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr()
	}
	return netip.Addr{}
}
