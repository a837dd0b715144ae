package engine

import (
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// arrive opens a connection from an address as the acceptor does; nil if there is no place for it.
func (s *sim) arrive(loop int, ip string) *client {
	at, ok := s.e.receive(netip.MustParseAddr(ip), viaTCP)
	if !ok {
		return nil
	}
	k := &client{s: s, r: s.e.reactors[loop]}
	k.c = k.r.openAs(k, at)
	s.settle()
	return k
}

// full returns a simulated server at its limit of two connections, both from this machine.
func full(t *testing.T, change func(*Config)) (s *sim, first, second *client) {
	s = newSim(t, func(c *Config) {
		if change != nil {
			change(c)
		}
		c.ConnsMax = 2
	})
	return s, s.arrive(0, "127.0.0.1"), s.arrive(1, "::1")
}

const (
	allTaken  = "ERROR LIMIT conns all connections are taken (max-conns): only RELEASE and HEARTBEAT of holders are served, and admins\n"
	ping      = "*1\r\n$4\r\nPING\r\n"
	allTaken3 = "-LIMIT conns all connections are taken (max-conns): only RELEASE and HEARTBEAT of holders are served, and admins\r\n"
)

// TestAtMaxConnsHoldersRenewAndRelease, in both forms.
func TestAtMaxConnsHoldersRenewAndRelease(t *testing.T) {
	s, first, _ := full(t, nil)
	first.do("ACQUIRE x a 0", "OK")
	first.do("ACQUIRE y b 0", "OK")
	a := s.arrive(0, "192.0.2.1")
	a.do("HEARTBEAT x a", "OK")
	a.do("RELEASE x a", "OK")
	a.do("RELEASE x a", "ERROR NOTHELD nobody holds this lock: it was never acquired, or released, expired or forced")
	b := s.arrive(1, "192.0.2.1")
	b.send("*2\r\n$5\r\nHELLO\r\n$1\r\n2\r\n*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$8\r\nLIB-NAME\r\n$1\r\nx\r\n")
	if got := b.reads(); !strings.Contains(got, "dlm") || !strings.HasSuffix(got, "+OK\r\n") {
		t.Fatalf("%q", got)
	}
	b.send("*3\r\n$9\r\nHEARTBEAT\r\n$1\r\ny\r\n$1\r\nb\r\n*4\r\n$7\r\nACQUIRE\r\n$1\r\nz\r\n$1\r\nb\r\n$1\r\n0\r\n" + ping)
	got := b.reads()
	if !strings.HasPrefix(got, "*6\r\n") || !strings.HasSuffix(got, allTaken3) || !b.finished {
		t.Fatalf("%q, ended %v", got, b.finished)
	}
	if !s.free("z") || s.free("y") {
		t.Fatal("a guest has acquired, or lost its lock")
	}
}

// TestGuestsMayNothingElse: each other command is answered LIMIT and ends the guest.
func TestGuestsMayNothingElse(t *testing.T) {
	for _, line := range []string{"ACQUIRE x a 0", "@1 ACQUIRE x a 1000", "STATUS x", "LOCKS", "INFO"} {
		s, _, _ := full(t, nil)
		k := s.arrive(0, "192.0.2.1")
		k.send(line + "\nHEARTBEAT x a\n")
		want := allTaken
		if line[0] == '@' {
			want = "@1 " + want
		}
		k.expect(want)
		if !k.finished {
			t.Errorf("%s: the stream was not ended", line)
		}
		if n := s.e.rejected[rejectConns].Load(); n != 1 {
			t.Errorf("%s: counted %d times", line, n)
		}
	}
}

// TestGuestsAreToldInTheirForm: a silent one in text, after a second.
func TestGuestsAreToldInTheirForm(t *testing.T) {
	s, _, _ := full(t, nil)
	silent, half, redis := s.arrive(0, "192.0.2.1"), s.arrive(0, "192.0.2.1"), s.arrive(1, "192.0.2.1")
	half.send("HEARTB")
	redis.send("*1\r\n")
	s.advance(900 * time.Millisecond)
	s.sweep()
	if silent.finished || half.finished || redis.finished {
		t.Fatal("closed before its time was over")
	}
	s.advance(200 * time.Millisecond)
	s.sweep()
	silent.expect(allTaken)
	if !silent.finished || half.finished {
		t.Fatalf("ended: silent %v, one that has begun to speak %v", silent.finished, half.finished)
	}
	s.advance(4 * time.Second)
	s.sweep()
	half.expect(allTaken)
	redis.expect(allTaken3)
	if !half.finished || !redis.finished {
		t.Fatal("guests stay that show nothing")
	}
}

// TestGuestsNeedTokenWhereThereAreTokens: a holder with the role lock, and admins, who may use all
// commands but ACQUIRE.
func TestGuestsNeedTokenWhereThereAreTokens(t *testing.T) {
	s, first, _ := full(t, withTokens)
	first.do("AUTH l-token", "OK")
	first.do("ACQUIRE x a 0", "OK")
	first.do("ACQUIRE team/y b 0", "OK")
	nobody, holder, team, reader, admin := s.arrive(0, "192.0.2.1"), s.arrive(0, "192.0.2.2"), s.arrive(0, "192.0.2.2"), s.arrive(1, "192.0.2.3"), s.arrive(1, "192.0.2.4")
	nobody.do("HEARTBEAT x a", noAuth)
	holder.do("AUTH l-token", "OK")
	holder.do("HEARTBEAT x a", "OK")
	team.do("AUTH t-token", "OK")
	team.do("HEARTBEAT x a", stolen)
	team.do("HEARTBEAT team/y b", "OK")
	reader.do("AUTH r-token", "OK")
	reader.do("HEARTBEAT x a", "ERROR DENIED the role read may not do this")
	reader.send("STATUS x\n")
	reader.expect(allTaken)
	admin.do("AUTH a-token", "OK")
	admin.send("STATUS x\nFORCE-RELEASE x\nINFO clients\n")
	if got := admin.reads(); strings.Contains(got, "ERROR") || !strings.Contains(got, "guest_clients:5\n") {
		t.Fatalf("%q", got)
	}
	admin.send("ACQUIRE x boss 0\n")
	admin.expect(allTaken)
}

// TestGuestTakesFirstOrdinaryPlace and is an ordinary connection then.
func TestGuestTakesFirstOrdinaryPlace(t *testing.T) {
	s, first, second := full(t, nil)
	first.do("ACQUIRE x a 0", "OK")
	k, idle := s.arrive(0, "192.0.2.1"), s.arrive(1, "192.0.2.1")
	k.do("HEARTBEAT x a", "OK")
	first.hangUp()
	k.do("ACQUIRE y a 0", "OK")
	second.hangUp()
	s.sweep()
	s.advance(time.Minute)
	s.sweep()
	idle.do("STATUS free", "OK state=free")
	if c, g := s.e.conns.Load(), s.e.places.guests.Load(); c != 2 || g != 0 {
		t.Fatalf("%d connections, %d guests", c, g)
	}
	late := s.arrive(0, "192.0.2.1")
	late.send("ACQUIRE z a 0\n")
	late.expect(allTaken)
	for _, each := range []*client{k, idle, late} {
		each.hangUp()
	}
	if n := s.e.openConns(); n != 0 || len(s.e.places.book.guests) != 0 {
		t.Fatalf("%d connections are left, %d guests in the book", n, len(s.e.places.book.guests))
	}
}

// TestHoldersStayAndOthersGo: with far more guests than places, the guests that have renewed stay.
func TestHoldersStayAndOthersGo(t *testing.T) {
	s, first, _ := full(t, nil)
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
	s, first, _ := full(t, nil)
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
