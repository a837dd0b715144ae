package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestGrantsThatWereCertainlyNotReadAreTakenBack goes through what can be known of a reply when its
// connection ends.
func TestGrantsThatWereCertainlyNotReadAreTakenBack(t *testing.T) {
	ends := func(err error) func(*client) {
		return func(k *client) { k.r.gone(k.c, err); k.s.settle() }
	}
	afterEnd := func(k *client) {
		k.endInput()
		if k.gone {
			k.s.t.Fatal("closed before it is known whether the grant was read")
		}
		k.failed = unix.EPIPE
		k.r.goOn(k.c.id)
		k.s.settle()
	}
	for name, c := range map[string]struct {
		silent time.Duration // between the ACQUIRE and the grant
		unread int           // bytes that are not acknowledged in the end
		end    func(*client)
		taken  bool
	}{
		"reset, not acknowledged":                        {silentMin, 3, ends(unix.ECONNRESET), true},
		"reset, the last byte not acknowledged":          {silentMin, 1, ends(unix.ECONNRESET), true},
		"reset, acknowledged":                            {silentMin, 0, ends(unix.ECONNRESET), false},
		"reset, but it may be read and not acknowledged": {silentMin - time.Millisecond, 3, ends(unix.ECONNRESET), false},
		"reset after the end":                            {0, 3, afterEnd, true},
		"reset after the end, both read at a time": {0, 3, func(k *client) {
			k.failed = unix.EPIPE
			k.endInput()
		}, true},
		"no answer for too long":   {silentMin, 3, ends(unix.ETIMEDOUT), false},
		"closed by the server":     {silentMin, 3, func(k *client) { k.r.drop(k.c); k.s.settle() }, false},
		"ended and acknowledged":   {silentMin, 0, func(k *client) { k.endInput() }, false},
		"ended and never answered": {0, 3, func(k *client) { k.endInput(); k.s.advance(lingerMax + time.Second); k.s.sweepAll() }, false},
		"the second write fails": {silentMin, 1, func(k *client) {
			ends(unix.ECONNRESET)(k)
		}, true},
	} {
		for _, wait := range []string{"ACQUIRE x B 60000\n", "@1 ACQUIRE x B 60000\n", array("ACQUIRE", "x", "B", "60000")} {
			t.Run(name, func(t *testing.T) {
				s := newSim(t, nil)
				a, b, next := s.dial(0), s.dial(1), s.dial(0)
				a.do("ACQUIRE x A 0", "OK")
				b.send(wait)
				s.advance(c.silent)
				next.send("ACQUIRE x C 60000\n")
				a.do("RELEASE x A", "OK")
				if got := b.reads(); !strings.Contains(got, "OK") && !strings.Contains(got, "token") {
					t.Fatalf("%q", got)
				}
				b.unread = c.unread
				c.end(b)
				if s.e.conns.Load() != 2 {
					t.Fatal("the connection was not closed")
				}
				if c.taken {
					next.expect("OK\n")
				} else {
					next.expect("")
				}
			})
		}
	}
}

// TestSecondWriteThatFailsTakesGrantBack: the reset of the first segment may come before the
// second is sent.
func TestSecondWriteThatFailsTakesGrantBack(t *testing.T) {
	s := newSim(t, nil)
	a, b, next := s.dial(0), s.dial(1), s.dial(0)
	a.do("ACQUIRE x A 0", "OK")
	b.send("ACQUIRE x B 60000\n")
	s.advance(silentMin)
	next.send("ACQUIRE x C 60000\n")
	s.written = func(k *client) { b.broken = k == b && b.out.Len() > 0 }
	a.do("RELEASE x A", "OK")
	b.expect("OK")
	next.expect("OK\n")
}

// TestAcknowledgedGrantsAreForgotten, and many take memory that is accounted for.
func TestAcknowledgedGrantsAreForgotten(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	a.do("ACQUIRE x A 0", "OK")
	for i := range tagsMax {
		b.send(fmt.Sprintf("@%d ACQUIRE x B 60000\n", i))
	}
	b.unread = 1 << 20
	a.do("RELEASE x A", "OK")
	if n := len(b.c.deliveries.list); n != tagsMax {
		t.Fatalf("%d grants are in mind", n)
	}
	s.sweepAll()
	if n := s.e.buffers.total.Load(); n < deliveryLen*tagsMax {
		t.Fatalf("%d bytes are accounted for", n)
	}
	b.unread = 1
	s.sweepAll()
	if n := len(b.c.deliveries.list); n != 1 {
		t.Fatalf("%d grants are in mind", n)
	}
	b.unread = 0
	s.sweepAll()
	if n := s.e.buffers.total.Load(); n != 0 {
		t.Fatalf("%d bytes are accounted for", n)
	}
}

func TestWaitsOfPeerThatCannotBeReachedEnd(t *testing.T) {
	s := newSim(t, nil)
	a, b, idle, next := s.dial(0), s.dial(1), s.dial(1), s.dial(0)
	a.do("ACQUIRE x A 0 TTL 600000", "OK")
	b.send("ACQUIRE x B 600000\n")
	next.send("ACQUIRE x C 600000\n")
	b.silent, idle.silent = unackedMax, time.Hour
	s.advance(time.Second)
	s.sweepAll()
	if b.gone {
		t.Fatal("closed too early")
	}
	b.silent++
	s.advance(time.Second)
	s.sweepAll()
	if !b.gone || idle.gone {
		t.Fatalf("closed %v, one that waits for nothing %v", b.gone, idle.gone)
	}
	a.do("RELEASE x A", "OK")
	next.expect("OK\n")
	if n := s.e.rejected[rejectUnreachable].Load(); n != 1 {
		t.Fatalf("counted %d", n)
	}
}

// sweepAll sweeps until each connection was looked at.
func (s *sim) sweepAll() {
	for range silentLookEvery {
		s.sweep()
	}
}

// TestGrantsThatWereNeverTransmittedAreTakenBack, however the connection fails, but not if the
// server closes it: the kernel goes on sending then.
func TestGrantsThatWereNeverTransmittedAreTakenBack(t *testing.T) {
	const n = 1000
	reply := len("@xxxxxxxxxxxxxxxxxxxx0000 OK\n")
	for name, c := range map[string]struct {
		end   func(*client)
		taken int
	}{
		"reset":    {func(k *client) { k.r.gone(k.c, unix.ECONNRESET) }, n / 2},
		"dead":     {func(k *client) { k.r.gone(k.c, unix.ETIMEDOUT) }, n / 2},
		"dropped":  {func(k *client) { k.r.drop(k.c) }, 0},
		"ended":    {func(k *client) { k.endInput(); k.s.advance(lingerMax + time.Second); k.s.sweepAll() }, 0},
		"all sent": {func(k *client) { k.queued = 0; k.s.sweepAll(); k.queued = 1 << 20; k.r.gone(k.c, unix.ECONNRESET) }, 0},
	} {
		for _, behind := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				s := newSim(t, nil)
				a := s.dial(0)
				var in strings.Builder
				for i := range n {
					fmt.Fprintf(&in, "@xxxxxxxxxxxxxxxxxxxx%04d ACQUIRE l%d me 0\n", i, i)
				}
				a.queued = n / 2 * reply
				if a.stuck = behind; behind {
					a.send(in.String())
					a.takes(1 << 20)
				} else {
					a.send(in.String())
				}
				if len(a.c.queued.list) == 0 {
					t.Fatal("no grants are in mind")
				}
				c.end(a)
				s.settle()
				if got := int(s.e.tab().Totals().TakeBacks); got != c.taken {
					t.Fatalf("%d grants were taken back, want %d", got, c.taken)
				}
				if n := s.e.buffers.total.Load(); n != 0 || s.e.conns.Load() != 0 {
					t.Fatalf("%d bytes are accounted for, %d connections", n, s.e.conns.Load())
				}
			})
		}
	}
}
