package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pause stops the server for d and lets it go on.
func (p *process) pause(t *testing.T, d time.Duration) {
	t.Helper()
	p.signal(t, syscall.SIGSTOP)
	time.Sleep(d)
	p.signal(t, syscall.SIGCONT)
}

// TestThrottledServer gives the server 50 of each 250 ms, like a container's limit of processor
// time. Leases and waits do not get longer, and no heartbeat comes too late.
func TestThrottledServer(t *testing.T) {
	p := startServer(t, nil)
	holder, waiter, beater := dialLine(t, p.addr), dialLine(t, p.addr), dialLine(t, p.addr)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
				p.pause(t, 200*time.Millisecond)
			}
		}
	}()
	beats := make(chan string, 1)
	if got := beater.ask("ACQUIRE beaten B 0 TTL 1500"); got != "OK" {
		t.Fatal(got)
	}
	go func() {
		last := "OK"
		for begun := time.Now(); time.Since(begun) < 5*time.Second && last == "OK"; time.Sleep(100 * time.Millisecond) {
			last = beater.ask("HEARTBEAT beaten B")
		}
		beats <- last
	}()
	// A server that left out the pauses would take more than twice as long.
	within := func(what string, begun time.Time, least time.Duration) {
		t.Helper()
		if took := time.Since(begun); took < least || took > 2*least {
			t.Errorf("%s of %v took %v", what, least, took)
		}
	}
	begun := time.Now()
	if got := holder.ask("ACQUIRE x A 0 TTL 2000"); got != "OK" {
		t.Fatal(got)
	}
	answered := time.Now()
	if got := waiter.ask("ACQUIRE x B 20000"); got != "OK" {
		t.Fatal(got)
	}
	if time.Since(begun) < 2*time.Second {
		t.Errorf("the lease of 2s took %v", time.Since(begun))
	}
	within("the lease", answered.Add(-time.Millisecond), 2*time.Second-250*time.Millisecond)
	begun = time.Now()
	if got := holder.ask("ACQUIRE x A 2000"); !strings.HasPrefix(got, "ERROR TIMEOUT") {
		t.Fatal(got)
	}
	within("the wait", begun, 2*time.Second)
	if last := <-beats; last != "OK" {
		t.Errorf("a heartbeat in time: %s", last)
	}
	close(stop)
	<-done
}

// TestHeartbeatsOfStopAreReadFirst stops the server for two leases. Meanwhile heartbeats arrive
// alone, after thousands of other commands, and on new connections that wait to be accepted.
func TestHeartbeatsOfStopAreReadFirst(t *testing.T) {
	const lease, n = time.Second, 20
	p := startServer(t, nil, "--lease", lease.String(), "--loops", "2")
	alone, behind := dialLine(t, p.addr), dialLine(t, p.addr)
	for i := range n {
		for what, k := range map[string]*line{"alone": alone, "behind": behind, "new": alone} {
			if got := k.ask(fmt.Sprintf("ACQUIRE %s%d A 0", what, i)); got != "OK" {
				t.Fatal(got)
			}
		}
	}
	p.signal(t, syscall.SIGSTOP)
	var late []*line
	for i := range n {
		alone.send(fmt.Sprintf("HEARTBEAT alone%d A", i))
		k := dialLine(t, p.addr)
		k.send(fmt.Sprintf("HEARTBEAT new%d A", i))
		late = append(late, k)
	}
	const pings = 32 << 10 / 5 // fits into what the kernel keeps for a connection that nobody reads
	go func() {
		behind.send(strings.Repeat("PING\n", pings-1) + "PING")
		for i := range n {
			behind.send(fmt.Sprintf("HEARTBEAT behind%d A", i))
		}
	}()
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
