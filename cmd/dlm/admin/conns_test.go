package admin

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// visitorConn is one end of a connection from an address that the test chooses.
type visitorConn struct {
	net.Conn
	from string
}

func (p *visitorConn) RemoteAddr() net.Addr { return addr(p.from) }

type addr string

func (a addr) Network() string { return "tcp" }
func (a addr) String() string  { return string(a) }

// TestAtLimitOldestIdleConnectionGoes: it is one of the address that has too many, or the most.
func TestAtLimitOldestIdleConnectionGoes(t *testing.T) {
	cs := newConns(8) // 2 per address
	open := func(from string) *visitorConn {
		p := &visitorConn{from: from}
		if victim := cs.add(p); victim != nil {
			t.Fatalf("%s: %v has to go", from, victim)
		}
		return p
	}
	a1, a2 := open("192.0.2.1:1"), open("192.0.2.1:2")
	cs.open[a1].since = cs.open[a2].since.Add(-time.Second)
	a3 := &visitorConn{from: "192.0.2.1:3"}
	if victim := cs.add(a3); victim != net.Conn(a1) {
		t.Errorf("%v goes", victim)
	}
	cs.mark(a2, true)
	cs.mark(a3, true)
	a4 := &visitorConn{from: "192.0.2.1:4"}
	if victim := cs.add(a4); victim != net.Conn(a4) {
		t.Errorf("all have a request, and %v goes", victim)
	}
	open("192.0.2.2:1")
	b := open("[2001:db8::1]:1")
	open("[2001:db8:0:0:1::2]:1") // of one /64: one peer
	for _, from := range []string{"192.0.2.3:1", "192.0.2.4:1", "192.0.2.5:1"} {
		open(from)
	}
	cs.open[b].since = time.Time{}
	if victim := cs.add(&visitorConn{from: "192.0.2.6:1"}); victim == nil || len(cs.open) != 8 {
		t.Errorf("%v goes, %d are open", victim, len(cs.open))
	}
	for c := range cs.open {
		cs.changed(c, http.StateClosed)
	}
	if len(cs.open) != 0 {
		t.Errorf("left: %d", len(cs.open))
	}
}

// TestStreamsDoNotCount: neither while they run, nor when one is about to be closed.
func TestStreamsDoNotCount(t *testing.T) {
	cs := newConns(8) // 2 per address
	open := func(from string) (p *visitorConn, victim net.Conn) {
		p = &visitorConn{from: from}
		return p, cs.add(p)
	}
	for range 3 {
		stream, _ := open("192.0.2.1:1")
		cs.mark(stream, true)
		cs.leaveOut(new(http.Request).WithContext(withConn(t.Context(), stream)))
		cs.mark(stream, false) // its end
		cs.open[stream].since = time.Time{}
		a, _ := open("192.0.2.1:2")
		cs.open[a].since = cs.open[a].since.Add(-time.Second)
		b, _ := open("192.0.2.1:3")
		if c, victim := open("192.0.2.1:4"); victim != net.Conn(a) {
			t.Errorf("%v goes", victim)
		} else {
			cs.changed(c, http.StateClosed)
		}
		cs.changed(b, http.StateClosed)
		cs.changed(stream, http.StateClosed)
	}
	for i := range 8 {
		if _, victim := open(fmt.Sprintf("192.0.2.%d:1", i+2)); victim != nil {
			t.Errorf("%d: %v goes", i, victim)
		}
	}
	if _, victim := open("192.0.2.99:1"); victim == nil {
		t.Error("more than the limit")
	}
}

// TestIdleConnectionsDoNotKeepProbeOut: neither silent ones nor some with half a request do.
func TestIdleConnectionsDoNotKeepProbeOut(t *testing.T) {
	s, base := serve(t, &fake{})
	for i := range 2 * s.conns.max {
		c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			if _, err := io.WriteString(c, "GET /livez HTTP/1.1\r\nHost: "); err != nil {
				continue // closed for a later one
			}
		}
	}
	for range 20 {
		if code, body, _ := ask(t, "GET", base+"/livez", ""); code != 200 {
			t.Fatalf("%d %s", code, body)
		}
	}
	s.conns.mu.Lock()
	defer s.conns.mu.Unlock()
	if n := len(s.conns.open); n > s.conns.maxPerAddr {
		t.Errorf("%d connections of one address are open", n)
	}
}

// TestHealthSideAnswersProbesAlone, whatever token is shown.
func TestHealthSideAnswersProbesAlone(t *testing.T) {
	s, err := ListenHealth("127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	f := &fake{open: true, unready: []string{"secret words"}}
	go func() { done <- s.Serve(ctx, f) }()
	base := "http://" + s.Addr().String()
	for _, c := range []struct {
		method, path string
		want         int
		body         string
	}{
		{"GET", "/livez", 200, "ok"}, {"GET", "/readyz", 503, "unready"}, {"GET", "/snapshot", 404, ""},
		{"POST", "/depose", 404, ""}, {"POST", "/promote", 404, ""}, {"POST", "/livez", 405, ""},
	} {
		if code, body, _ := ask(t, c.method, base+c.path, "a"); code != c.want || c.body != "" && body != c.body {
			t.Errorf("%s %s: %d %s", c.method, c.path, code, body)
		}
	}
	if _, err := ListenHealth(s.Addr().String(), slog.Default()); err == nil || !strings.Contains(err.Error(), "--health") {
		t.Errorf("%v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
