package engine

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dlm/table"
)

// rollingTap notes in which order services came to wait, and in which they were granted.
type rollingTap struct {
	mu      sync.Mutex
	known   map[string]bool
	came    []string
	granted []string
}

func (r *rollingTap) event(e *table.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	service := string(e.Service)
	switch {
	case e.Kind == table.EventEnqueue && !r.known[service]:
		r.known[service] = true
		r.came = append(r.came, service)
	case e.Kind == table.EventGrant && e.Waited:
		r.granted = append(r.granted, service)
	}
}

// TestTenThousandPlacesSurviveRollingCut has 10,000 requests wait for one lock, on 200 connections.
// Each connection breaks while the others wait, and its requests come back on a new one. The lock
// then goes on in the order in which the requests first came.
func TestTenThousandPlacesSurviveRollingCut(t *testing.T) {
	const conns, each = 200, 50
	tap := &rollingTap{known: map[string]bool{}}
	e := serve(t, func(c *Config) { c.Tap, c.Lease, c.ReconnectGrace = tap.event, 10*time.Minute, time.Minute })
	dial := func() net.Conn {
		c, err := net.Dial("tcp", e.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	write := func(c net.Conn, text string) {
		if _, err := c.Write([]byte(text)); err != nil {
			t.Error(err)
		}
	}
	holder := dial()
	write(holder, "ACQUIRE x holder 0\n")
	if answer, err := bufio.NewReader(holder).ReadString('\n'); answer != "OK\n" {
		t.Fatalf("%q, %v", answer, err)
	}
	clients := make([]net.Conn, conns)
	requests := func(i int) {
		clients[i] = dial()
		var b strings.Builder
		for j := range each {
			fmt.Fprintf(&b, "@%d ACQUIRE x s%d-%d 3600000 REQ 1\n", j, i, j)
		}
		write(clients[i], b.String())
	}
	for i := range clients {
		requests(i)
	}
	eventually(t, "not all requests wait", func() bool { return e.tab().Totals().Waiters == conns*each })
	for i := range clients {
		clients[i].Close()
		requests(i)
	}
	eventually(t, "not all requests came back", func() bool { return e.tab().Totals().Repeats == conns*each })
	var readers sync.WaitGroup
	for i, c := range clients {
		readers.Go(func() {
			in := bufio.NewScanner(c)
			for left := 2 * each; left > 0 && in.Scan(); left-- {
				if tag, ok := strings.CutSuffix(in.Text(), " OK"); ok {
					write(c, fmt.Sprintf("RELEASE x s%d-%s\n", i, strings.TrimPrefix(tag, "@")))
				} else if in.Text() != "OK" {
					t.Errorf("client %d is answered %q", i, in.Text())
				}
			}
		})
	}
	write(holder, "RELEASE x holder\n")
	readers.Wait()
	tap.mu.Lock()
	defer tap.mu.Unlock()
	if len(tap.came) != conns*each || !slices.Equal(tap.came, tap.granted) {
		t.Errorf("%d requests came, %d were granted, in the same order: %v", len(tap.came), len(tap.granted), slices.Equal(tap.came, tap.granted))
	}
}
