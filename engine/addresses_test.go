package engine

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

const (
	tooMany = "conns this address has too many connections (max-conns-per-address)"
	tooFast = "conns this address opens connections too fast (max-new-conns-per-address)"
)

// TestConnectionsOfOneAddressAreBounded: other addresses are not affected, and a place that was
// left can be taken.
func TestConnectionsOfOneAddressAreBounded(t *testing.T) {
	s := newSim(t, func(c *Config) { c.ConnsPerAddressMax = 3 })
	for _, ips := range [][3]string{{"192.0.2.1", "192.0.2.1", "192.0.2.2"}, {"2001:db8::1", "2001:db8::2:1", "2001:db8:0:1::1"}, {"127.0.0.1", "127.0.0.1", "127.0.0.2"}} {
		first := s.arrive(0, ips[0])
		for range 2 {
			s.arrive(1, ips[1]).do("PING", "OK")
		}
		text, redis := s.arrive(0, ips[1]), s.arrive(0, ips[1])
		text.send("P")
		text.expect("ERROR LIMIT " + tooMany + "\n")
		redis.send(array("PING"))
		redis.expect("-LIMIT " + tooMany + "\r\n")
		if !text.finished || !redis.finished {
			t.Fatal("the stream was not ended")
		}
		s.arrive(0, ips[2]).do("PING", "OK")
		text.hangUp()
		redis.hangUp()
		first.hangUp()
		s.advance(50 * time.Millisecond) // within which ten may come
		s.arrive(0, ips[1]).do("PING", "OK")
	}
	if n := s.e.rejected[rejectAddressConns].Load(); n != 0 {
		t.Fatalf("the loops have counted %d, which the acceptor does", n)
	}
}

// TestLogNamesWhoIsBeyondLimits: without its address nobody finds the client. A client of a Unix
// socket has none.
func TestLogNamesWhoIsBeyondLimits(t *testing.T) {
	for _, c := range []struct {
		peer net.Addr
		want string
	}{
		{&net.TCPAddr{IP: net.ParseIP("192.0.2.1")}, " from=192.0.2.1"},
		{&net.TCPAddr{IP: net.ParseIP("2001:db8::1")}, " from=2001:db8::1"},
		{&net.UnixAddr{Name: "@"}, ""},
	} {
		s := newSim(t, func(c *Config) { c.ConnsPerAddressMax, c.ConnsMax = 1, 1 })
		g := &gate{e: s.e}
		for range 2 {
			g.Admit(c.peer)
		}
		line := s.log.String()
		if !strings.Contains(line, "connections beyond a limit") || !strings.HasSuffix(line, fmt.Sprintf("max_conns=%d%s\n", 1, c.want)) {
			t.Errorf("%v: %q", c.peer, line)
		}
	}
}

// TestOneAddressOpensConnectionsSoFast: as many together as it may have, then that many a second.
func TestOneAddressOpensConnectionsSoFast(t *testing.T) {
	s := newSim(t, func(c *Config) { c.ConnsPerAddressMax = 50; c.NewConnsPerAddressMax = 10 })
	served := func(n int) (count int) {
		for range n {
			k := s.arrive(0, "192.0.2.1")
			k.send("PING\n")
			if got := k.reads(); got == "OK\n" {
				count++
			} else if got != "ERROR LIMIT "+tooFast+"\n" {
				t.Fatalf("%q", got)
			}
			k.hangUp()
		}
		return count
	}
	if n := served(200); n != 50 {
		t.Fatalf("%d in one go", n)
	}
	s.advance(2 * time.Second)
	if n := served(200); n != 20 {
		t.Fatalf("%d after two seconds", n)
	}
	s.arrive(0, "192.0.2.2").do("PING", "OK")
}

// TestThisMachineIsNotBoundedByDefault: 1,000 connections of an address, 200 a second, but from
// here any number.
func TestThisMachineIsNotBoundedByDefault(t *testing.T) {
	s := newSim(t, nil)
	ordinaries := func(ip string, n int) (count int) {
		for i := range n {
			k := s.arrive(i%2, ip)
			if k == nil {
				continue
			}
			if k.c.at.as == ordinary {
				count++
			} else {
				k.hangUp()
			}
		}
		return count
	}
	for ip, want := range map[string]int{"127.0.0.1": 3000, "::1": 3000, "192.0.2.1": 1000, "::ffff:192.0.2.2": 1000} {
		if got := ordinaries(ip, 3000); got != want {
			t.Errorf("%s has %d connections, want %d", ip, got, want)
		}
	}
}

// TestAddressesAreForgotten when they have no connection and owe nothing.
func TestAddressesAreForgotten(t *testing.T) {
	s := newSim(t, nil)
	kept := s.arrive(0, "198.51.100.1")
	for i := range 20_000 {
		s.arrive(0, fmt.Sprintf("10.%d.%d.1", i/250, i%250)).hangUp()
		if i%100 == 0 {
			s.advance(50 * time.Millisecond)
		}
	}
	if n := s.e.addresses.size(); n > 2*addressesKnownMin {
		t.Fatalf("%d are known", n)
	}
	if at := s.e.addresses.known[kept.c.at.from]; at == nil || at.open != 1 {
		t.Fatal("an address with a connection was forgotten")
	}
	kept.hangUp()
}
