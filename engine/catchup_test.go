package engine

import (
	"strings"
	"testing"
	"time"

	"dlm/engine/transport"
)

// polled is a sim whose connections have sockets: input lies there until a loop polls.
type polled struct {
	*sim
	clients []*client
	wires   map[*client]string // input that was not read yet
	asked   map[*reactor]bool
}

func newPolled(t *testing.T) *polled {
	p := &polled{sim: newSim(t, func(c *Config) { c.Lease = time.Second }), wires: map[*client]string{}, asked: map[*reactor]bool{}}
	for _, r := range p.e.reactors {
		ask := func() { p.asked[r] = true }
		r.probe.again.Store(&ask)
	}
	return p
}

func (p *polled) dial(loop int) *client {
	k := p.sim.dial(loop)
	p.clients = append(p.clients, k)
	return k
}

// poll is one round of a loop: posted messages, one read of each socket, and then the probe.
// Messages that the round posts wait for the next one.
func (p *polled) poll(loop int) {
	r := p.e.reactors[loop]
	p.deliver()
	asked := p.asked[r]
	p.asked[r] = false
	p.hold = true
	for _, k := range p.clients {
		if in := p.wires[k]; k.r == r && in != "" {
			in = in[:min(len(in), transport.ReadMax)]
			p.wires[k] = p.wires[k][len(in):]
			r.probe.deep = r.probe.deep || len(in) == transport.ReadMax
			k.send(in)
		}
	}
	if asked {
		r.polled()
	}
}

// tick is one of the ticker, after some time.
func (p *polled) tick(passed time.Duration) {
	p.time += int64(passed)
	p.e.tick(&p.fx, &p.co)
}

// TestHeartbeatsInSocketsAreReadBeforeLeasesEnd: a stopped server expires no holder that has sent a
// heartbeat, whichever loop reads it, and however much lies before it in its socket.
func TestHeartbeatsInSocketsAreReadBeforeLeasesEnd(t *testing.T) {
	for name, before := range map[string]string{
		"alone": "", "behind one read": strings.Repeat("PING\n", transport.ReadMax/5), "behind many": strings.Repeat("PING\n", transport.ReadMax),
		"behind what is put off": strings.Repeat("INFO\n", 2*roundMax/costInfo),
	} {
		t.Run(name, func(t *testing.T) {
			p := newPolled(t)
			a, b := p.dial(1), p.dial(0)
			a.do("ACQUIRE x A 0 TTL 500", "OK")
			a.do("ACQUIRE dead A 0 TTL 500", "OK")
			p.wires[a] = before + "HEARTBEAT x A\n"
			p.tick(900 * time.Millisecond) // stopped
			for range 3 {
				p.tick(time.Millisecond)
				p.poll(0)
				b.send("ACQUIRE x B 0\n")
				b.expectPrefix(`ERROR TIMEOUT "A"`)
			}
			for n := 0; p.wires[a] != ""; n++ {
				if p.free("dead") {
					t.Fatal("a lease has ended before the heartbeats were read")
				}
				p.poll(1)
				p.tick(time.Millisecond)
				if n > probesMax {
					t.Fatal("it is not read")
				}
			}
			for n := 0; n < 3 || p.asked[a.r]; n++ { // until nothing is put off any more
				p.tick(time.Millisecond)
				p.poll(1)
				if n > 10*probesMax {
					t.Fatal("what was put off is not executed")
				}
			}
			p.tick(time.Millisecond)
			p.deliver()
			if got := a.reads(); !strings.HasSuffix(got, "OK\n") {
				t.Fatalf("the heartbeat is answered %q", got[max(0, len(got)-80):])
			}
			if p.free("x") || !p.free("dead") {
				t.Fatalf("x free %v, dead free %v", p.free("x"), p.free("dead"))
			}
			p.advance(480 * time.Millisecond)
			if p.free("x") {
				t.Fatal("the renewed lease is too short")
			}
			p.advance(50 * time.Millisecond)
			if !p.free("x") {
				t.Fatal("the renewed lease is too long")
			}
		})
	}
}

// TestPauseWithinRound: the delay of a second pause is left to the next round, and does not keep
// the first round from its end.
func TestPauseWithinRound(t *testing.T) {
	p := newPolled(t)
	a := p.dial(0)
	a.do("ACQUIRE x A 0 TTL 150", "OK")
	p.tick(200 * time.Millisecond)
	p.poll(0)
	p.poll(1)
	p.tick(200 * time.Millisecond) // the first round ends here
	if p.e.clock.Pauses().Lag.Load() != int64(150*time.Millisecond) {
		t.Fatalf("%v is held back", time.Duration(p.e.clock.Pauses().Lag.Load()))
	}
	p.poll(0)
	p.poll(1)
	p.tick(time.Millisecond)
	if p.e.clock.Pauses().Lag.Load() != 0 {
		t.Fatalf("%v is held back", time.Duration(p.e.clock.Pauses().Lag.Load()))
	}
}

// TestThrottledServerKeepsTime: in a process that gets 50 of each 250 ms a lease of 2 s lasts 2 s
// and a wait of 1 s one, or until the process runs again.
func TestThrottledServerKeepsTime(t *testing.T) {
	p := newPolled(t)
	a, b, c := p.dial(0), p.dial(1), p.dial(1)
	begun := p.time
	ended := map[string]time.Duration{}
	note := func(what string, k *client, want string) {
		if got := k.reads(); got != "" && ended[what] == 0 {
			ended[what] = time.Duration(p.time - begun)
			if !strings.HasPrefix(got, want) {
				t.Errorf("%s: %q", what, got)
			}
		}
	}
	a.do("ACQUIRE x A 0 TTL 2000", "OK")
	b.send("ACQUIRE x B 60000\n")
	c.send("ACQUIRE x C 1000\n")
	for range 12 {
		p.tick(200 * time.Millisecond)
		for range 50 {
			p.poll(0)
			p.poll(1)
			note("lease", b, "OK")
			note("wait", c, "ERROR TIMEOUT")
			p.tick(time.Millisecond)
		}
	}
	if lease := ended["lease"]; lease < 2*time.Second || lease > 2250*time.Millisecond {
		t.Errorf("the lease of 2 s lasted %v", lease)
	}
	if wait := ended["wait"]; wait < time.Second || wait > 1250*time.Millisecond {
		t.Errorf("the wait of 1 s lasted %v", wait)
	}
}

// TestWaitsCountLongStop: after an hour in which the server was stopped a lease goes on and a wait
// is over.
func TestWaitsCountLongStop(t *testing.T) {
	p := newPolled(t)
	a, b, c := p.dial(0), p.dial(0), p.dial(1)
	a.do("ACQUIRE x A 0 TTL 5000", "OK")
	b.send("ACQUIRE x B 3000\n")
	p.tick(time.Hour)
	c.send("ACQUIRE x C 3000\n") // it begins now
	p.tick(time.Millisecond)
	p.poll(0)
	b.expectPrefix("ERROR TIMEOUT")
	p.poll(1)
	p.deliver()
	p.advance(2998 * time.Millisecond)
	c.expect("")
	p.advance(10 * time.Millisecond)
	c.expectPrefix("ERROR TIMEOUT")
	p.advance(980 * time.Millisecond)
	if p.free("x") {
		t.Error("more than a second of the stop counts for the lease")
	}
	p.advance(50 * time.Millisecond)
	if !p.free("x") {
		t.Error("less than a second of the stop counts for the lease")
	}
}
