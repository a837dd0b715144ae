package engine

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dlm/codec"
)

// full returns a simulated server at its limit of two connections, both from this machine.
func full(t *testing.T) (s *sim, first, second *client) {
	s = newSim(t, func(c *Config) { c.ConnsMax = 2 })
	return s, s.arrive(0, "127.0.0.1"), s.arrive(1, "::1")
}

const allTaken = "ERROR LIMIT conns all connections are taken (max-conns): only RELEASE and HEARTBEAT of holders are served, and admins\n"

// TestHoldersStayAndOthersGo: with far more guests than places, the guests that have renewed stay.
func TestHoldersStayAndOthersGo(t *testing.T) {
	s, first, _ := full(t)
	first.do("ACQUIRE x a 0", "OK")
	holder := s.arrive(0, "192.0.2.1")
	holder.do("HEARTBEAT x a", "OK")
	var silent []*client
	for i := range 1000 {
		if k := s.arrive(i%2, "127.0.0.1"); k != nil { // an address without a limit
			silent = append(silent, k)
		}
		if n := s.e.places.guests.Load(); n > s.e.places.guestsMax {
			t.Fatalf("%d guests", n)
		}
	}
	holder.do("HEARTBEAT x a", "OK")
	late := s.arrive(1, "192.0.2.1")
	late.do("HEARTBEAT x a", "OK")
	late.do("RELEASE x a", "OK")
	if !silent[0].gone || silent[len(silent)-1].gone || len(silent) != 1000 {
		t.Fatalf("of %d silent ones the first is gone: %v, the last: %v", len(silent), silent[0].gone, silent[len(silent)-1].gone)
	}
	silent[0].expect(allTaken)
}

// TestAnswersAboutConnectionsAreCounted has a command that guests may not use, a guest whose time
// is over, and a connection that the acceptor answers.
func TestAnswersAboutConnectionsAreCounted(t *testing.T) {
	s, _, _ := full(t)
	hits := func() uint64 { return s.e.limitCounts()[codec.WhichConns-1].Count }
	s.arrive(0, "192.0.2.1").do("ACQUIRE x a 0", strings.TrimSpace(allTaken))
	silent := s.arrive(0, "192.0.2.1")
	s.advance(guestMax + time.Second)
	s.sweep()
	silent.expect(allTaken)
	if n := hits(); n != 2 {
		t.Errorf("%d answers of loops are counted, want 2", n)
	}
	if _, refusal := (&gate{e: s.e}).admitted(&arrival{as: turned, why: rejectConns}, netip.Addr{}, false); !strings.HasPrefix(allTaken, "ERROR LIMIT "+refusal) {
		t.Errorf("refused with %q", refusal)
	}
	if n := hits(); n != 3 {
		t.Errorf("%d answers are counted, want 3", n)
	}
}

// TestRefusedConnectionIsCountedOnce: at the full TLS port, whether it is told why, fails in the
// handshake, can't be handed to a loop, or is closed without a word.
func TestRefusedConnectionIsCountedOnce(t *testing.T) {
	s := newSim(t, func(c *Config) { c.TLSConnsMax, c.ConnsPerAddressMax = 1, 3 })
	g, from := &gate{e: s.e, via: viaTLS}, &net.TCPAddr{IP: net.ParseIP("192.0.2.1")}
	admit := func(g *gate) any {
		s.time += int64(time.Second) // no address is too fast
		came, _ := g.Admit(from)
		return came
	}
	named := func(list []NamedCount, name string) uint64 {
		i := slices.IndexFunc(list, func(n NamedCount) bool { return n.Name == name })
		return list[i].Count
	}
	check := func(limit, port, handshakes, enroll, address uint64) {
		t.Helper()
		st := s.e.makeStats()
		got := [...]uint64{named(st.LimitHits, "conns"), named(st.Refused, "tls_max_conns"), named(st.Refused, "tls"),
			named(st.Refused, "enroll"), named(st.Refused, "address_conns")}
		if want := [...]uint64{limit, port, handshakes, enroll, address}; got != want {
			t.Errorf("limit, full port, handshakes, enrolments, full address: %d, want %d", got, want)
		}
	}
	admit(g)
	check(0, 0, 0, 0, 0)
	came := admit(g)
	check(1, 1, 0, 0, 0)
	k := s.dialAs(0, *came.(*arrival))
	k.send("PING\n")
	k.expect("ERROR LIMIT conns all connections over TLS are taken (tls-max-conns)\n")
	check(1, 1, 0, 0, 0)
	came = admit(g)
	g.Insecure(came, &net.TCPAddr{}, net.ErrClosed)
	came = admit(g)
	g.Failed(came, net.ErrClosed)
	check(3, 3, 0, 0, 0)
	plain := &gate{e: s.e}
	admit(plain)
	admit(plain)
	if came := admit(g); came != nil {
		t.Error("an address at its limit has a handshake, to be told so")
	}
	check(4, 3, 0, 0, 1)
}

// TestConnectionsAreCountedByTransport: as they come, fail, find no place, get one later, and go.
func TestConnectionsAreCountedByTransport(t *testing.T) {
	s := newSim(t, func(c *Config) { c.ConnsMax = 3 })
	check := func(when string, want ...Transport) {
		t.Helper()
		st, open, accepted := s.e.makeStats(), int64(0), uint64(0)
		for _, by := range st.ConnsBy {
			open, accepted = open+by.Open, accepted+by.Accepted
		}
		if !slices.Equal(st.ConnsBy, want) || open != st.Conns || accepted != st.Accepted {
			t.Errorf("%s: %+v, want %+v; in all %d and %d", when, st.ConnsBy, want, st.Conns, st.Accepted)
		}
	}
	arrive := func(by via) (k *client) {
		g := &gate{e: s.e, via: by}
		s.time += int64(time.Second) // no address is too fast
		came, _ := g.Admit(&net.TCPAddr{IP: net.ParseIP("192.0.2.1")})
		k = s.dialAs(0, *came.(*arrival))
		g.Enrolled(came)
		s.settle()
		return k
	}
	check("at the start", Transport{"tcp", 0, 0}, Transport{"tls", 0, 0}, Transport{"unix", 0, 0})
	tcp, secure := arrive(viaTCP), arrive(viaTLS)
	arrive(viaUnix)
	check("all are taken", Transport{"tcp", 1, 1}, Transport{"tls", 1, 1}, Transport{"unix", 1, 1})
	late := arrive(viaTLS)
	check("a guest", Transport{"tcp", 1, 1}, Transport{"tls", 1, 2}, Transport{"unix", 1, 1})
	tcp.hangUp()
	late.r.promoteGuest(late.c)
	check("the guest has a place", Transport{"tcp", 0, 1}, Transport{"tls", 2, 2}, Transport{"unix", 1, 1})
	secure.hangUp()
	g := &gate{e: s.e, via: viaUnix}
	came, _ := g.Admit(&net.TCPAddr{IP: net.ParseIP("192.0.2.2")})
	g.Failed(came, net.ErrClosed)
	late.hangUp()
	check("some are gone", Transport{"tcp", 0, 1}, Transport{"tls", 0, 2}, Transport{"unix", 1, 1})
}

// TestLimitsAreExactWhenAcceptorsRace takes places from many goroutines.
func TestLimitsAreExactWhenAcceptorsRace(t *testing.T) {
	s := newSim(t, func(c *Config) { c.ConnsMax = 500; c.ConnsPerAddressMax = 400; c.NewConnsPerAddressMax = 1 << 20 })
	var kinds [3]atomic.Int64
	var none atomic.Int64
	var arrivals [8][]arrival
	var wg sync.WaitGroup
	for g := range arrivals {
		wg.Go(func() {
			ip := netip.MustParseAddr([]string{"127.0.0.1", "192.0.2.1"}[g%2])
			for range 1000 {
				if at, ok := s.e.receive(ip, viaTCP); ok {
					kinds[at.as].Add(1)
					arrivals[g] = append(arrivals[g], at)
				} else {
					none.Add(1)
				}
			}
		})
	}
	wg.Wait()
	guests, told := kinds[guest].Load(), kinds[turned].Load()
	if kinds[ordinary].Load() != 500 || guests > s.e.places.guestsMax || told != s.e.places.turnedMax {
		t.Fatalf("%d ordinary, %d guests, %d turned away", kinds[ordinary].Load(), guests, told)
	}
	for _, list := range arrivals {
		for i := range list {
			s.e.giveBack(&list[i])
		}
	}
	if n := s.e.openConns(); n != 0 {
		t.Fatalf("%d places are left", n)
	}
	for key, at := range s.e.addresses.known {
		if at.open != 0 {
			t.Fatalf("%x has %d connections", key, at.open)
		}
	}
}

// TestOneAddressCanNotKeepGuestsOut: even if all of its guests are holders.
func TestOneAddressCanNotKeepGuestsOut(t *testing.T) {
	s, first, _ := full(t)
	first.do("ACQUIRE x a 0", "OK")
	first.do("ACQUIRE y b 0", "OK")
	rush := func(n int) {
		for i := range n {
			k := s.arrive(i%2, "127.0.0.1")
			if k == nil {
				t.Fatal("no place")
			}
			k.send("HEARTBEAT x a\n")
		}
	}
	rush(500)
	other := s.arrive(1, "192.0.2.1")
	rush(500)
	other.do("HEARTBEAT y b", "OK")
	other.do("RELEASE y b", "OK")
}
