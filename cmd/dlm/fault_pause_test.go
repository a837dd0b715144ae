package main

import (
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// freeze stops the process, and returns when it has stopped: on a busy machine its threads run on
// for a while after the signal.
func (p *process) freeze(t *testing.T) {
	t.Helper()
	p.signal(t, syscall.SIGSTOP)
	waitStopped(p.cmd.Process.Pid)
}

// stopWithin stops the process at a moment at which the leases that renew has taken are certainly
// not over. On a busy machine that may take longer than a lease. Then renew is called again.
func (p *process) stopWithin(t *testing.T, lease time.Duration, renew func()) {
	t.Helper()
	for end := time.Now().Add(eventually); ; {
		begun := time.Now()
		renew()
		p.freeze(t)
		if time.Since(begun) < lease {
			return
		}
		p.signal(t, syscall.SIGCONT)
		if begun.After(end) {
			t.Fatalf("leases of %v are always over before the process stops", lease)
		}
	}
}

// throttle lets a process run for a fifth of the time.
type throttle struct {
	ran        atomic.Int64 // the time that it was not stopped, in ns, rounded up
	stop, done chan struct{}
}

// throttle begins a throttle, until the test calls end.
func (p *process) throttle(t *testing.T) *throttle {
	h := &throttle{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(h.done)
		for running := time.Now(); ; {
			select {
			case <-h.stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
			p.freeze(t)
			// On a busy machine it has run for longer.
			ran := time.Since(running)
			h.ran.Add(int64(ran))
			time.Sleep(min(4*ran, 800*time.Millisecond)) // a pause of a second is another case
			running = time.Now()
			p.signal(t, syscall.SIGCONT)
		}
	}()
	return h
}

func (h *throttle) end() {
	close(h.stop)
	<-h.done
}

// TestThrottledServer gives the server 50 of each 250 ms, like a container's limit of processor
// time. Leases and waits do not get longer, and no heartbeat comes too late.
func TestThrottledServer(t *testing.T) {
	p := startServer(t, nil)
	holder, waiter, beater := dialLine(t, p.addr), dialLine(t, p.addr), dialLine(t, p.addr)
	throttle := p.throttle(t)
	beats := make(chan error, 1)
	go func() { beats <- beater.beatFor(5 * time.Second) }()
	// A server that left out the pauses would have to run for as long, each time. On a busy machine
	// it may seem to have run, when it got no processor.
	within := func(what string, d time.Duration, wait func() string, want string) {
		t.Helper()
		for tries := 5; ; tries-- {
			before, begun := throttle.ran.Load(), time.Now()
			if got := wait(); !strings.HasPrefix(got, want) {
				t.Fatal(got)
			}
			took, ran := time.Since(begun), time.Duration(throttle.ran.Load()-before)
			if took >= d && ran < d {
				return
			}
			if took < d || tries == 0 {
				t.Fatalf("%s of %v took %v, of which the server ran for %v", what, d, took, ran)
			}
		}
	}
	n := 0
	within("the lease", 2*time.Second, func() string {
		n++
		if got := holder.ask(fmt.Sprintf("ACQUIRE x%d A 0 TTL 2000", n)); got != "OK" {
			return got
		}
		return waiter.ask(fmt.Sprintf("ACQUIRE x%d B 60000 TTL 600000", n))
	}, "OK")
	within("the wait", 2*time.Second, func() string { return holder.ask(fmt.Sprintf("ACQUIRE x%d A 2000", n)) }, "ERROR TIMEOUT")
	if err := <-beats; err != nil {
		t.Error(err)
	}
	throttle.end()
}

// beatFor holds a lock for d, with heartbeats, and fails if one is too late that was sent in time.
func (l *line) beatFor(d time.Duration) error {
	const lease, margin = 1500 * time.Millisecond, 250 * time.Millisecond
	command := "ACQUIRE beaten B 0 TTL 1500"
	for begun, last := time.Now(), time.Now(); time.Since(begun) < d; time.Sleep(100 * time.Millisecond) {
		sent := time.Now()
		l.send(command)
		inTime := time.Since(last) < lease-margin
		got := l.read()
		switch {
		case got == "OK":
			command = "HEARTBEAT beaten B"
		case inTime:
			return fmt.Errorf("a heartbeat in time: %s", got)
		default: // a busy machine kept this client from it
			command = "ACQUIRE beaten B 0 TTL 1500"
		}
		last = sent
	}
	return nil
}

// TestHeartbeatsOfStopAreReadFirst stops the server for two leases. Meanwhile heartbeats arrive
// alone, after thousands of other commands, and on new connections that wait to be accepted.
func TestHeartbeatsOfStopAreReadFirst(t *testing.T) {
	const lease, n = time.Second, 20
	p := startServer(t, nil, "--lease", lease.String(), "--loops", "2")
	alone, behind := dialLine(t, p.addr), dialLine(t, p.addr)
	p.stopWithin(t, lease, func() {
		for i := range n {
			for what, k := range map[string]*line{"alone": alone, "behind": behind, "new": alone} {
				if got := k.ask(fmt.Sprintf("ACQUIRE %s%d A 0", what, i)); got != "OK" {
					t.Fatal(got)
				}
			}
		}
	})
	var late []*line
	for i := range n {
		alone.send(fmt.Sprintf("HEARTBEAT alone%d A", i))
		k := dialLine(t, p.addr)
		k.send(fmt.Sprintf("HEARTBEAT new%d A", i))
		late = append(late, k)
	}
	const pings = 32 << 10 / 5 // fits into what the kernel keeps for a connection that nobody reads
	behind.send(strings.Repeat("PING\n", pings-1) + "PING")
	for i := range n {
		behind.send(fmt.Sprintf("HEARTBEAT behind%d A", i))
	}
	time.Sleep(2 * lease)
	p.signal(t, syscall.SIGCONT)
	for i := range n {
		if got := alone.read(); got != "OK" {
			t.Errorf("alone %d: %s", i, got)
		}
		if got := late[i].read(); got != "OK" {
			t.Errorf("on a new connection %d: %s", i, got)
		}
	}
	for range pings {
		behind.read()
	}
	for i := range n {
		if got := behind.read(); got != "OK" {
			t.Errorf("behind other commands %d: %s", i, got)
		}
	}
}
