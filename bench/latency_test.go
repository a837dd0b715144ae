package bench

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

func TestSummaryOfKnownLatencies(t *testing.T) {
	l := NewLatencies()
	l.Record(1000, 990)
	l.Record(50_000, 9)
	l.Record(2_000_000, 1)
	l.Record(-5, 0) // a clock that stands still is no reason to fail
	s := l.Summary()
	near := func(got, want int64) bool { return got >= want-want/100 && got <= want+want/100 }
	if s.Count != 1000 || !near(s.P50, 1000) || !near(s.P99, 1000) || !near(s.P999, 50_000) || !near(s.Max, 2_000_000) {
		t.Errorf("got %+v", s)
	}
}

func TestFlightKeepsOrderOfDueTimes(t *testing.T) {
	var f flight
	next, oldest := int64(0), int64(0)
	for round := range 100 {
		for range round % 7 {
			f.push(next)
			next++
		}
		for f.n > round%3 {
			if f.oldest() != oldest {
				t.Fatalf("oldest is %d, want %d", f.oldest(), oldest)
			}
			f.pop()
			oldest++
		}
	}
}

func TestPaceDoesNotDrift(t *testing.T) {
	p := newPace(500, 3_000_000, 1) // a gap of a third of a microsecond
	if got := p.due(3_000_000); got != 500+1e9 {
		t.Errorf("a second's worth is due at %d", got)
	}
	if p = newPace(0, 1000, 16); p.due(1000) != 16e9 {
		t.Errorf("batches of 16 at 1000/s: the thousandth is due at %d", p.due(1000))
	}
}

// fakeLoop makes a loop with a clock of the test's own and one connection, to
// a peer that drops what it gets.
func fakeLoop(t *testing.T, rounds int, nowNs *int64, s *stream) (*streamLoop, *streamConn) {
	t.Helper()
	shared := &progress{clock: func() int64 { return *nowNs }}
	l, err := newStreamLoop(shared, rounds)
	if err != nil {
		t.Skip(err)
	}
	a, b := tcpPair(t)
	go io.Copy(io.Discard, b)
	fd, err := l.p.adopt(a, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := l.add(&socket{p: l.p, fd: fd}, s)
	l.socks = append(l.socks, c.socket)
	t.Cleanup(l.close)
	return l, c
}

func tcpPair(t *testing.T) (a, b net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if a, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return a, b
}

// TestStallIsChargedToAllItDelays sends an open loop's batches late and in a
// burst: each must be charged from when it was due.
func TestStallIsChargedToAllItDelays(t *testing.T) {
	nowNs := int64(0)
	c := Config{Server: "x", Form: Text, Workload: Ping}
	c.EnsureDefaults()
	s := newStreamMaker(&c, 1).make(0)
	l, conn := fakeLoop(t, 1, &nowNs, s)
	p := newPace(0, 1000, 1) // a command each millisecond
	l.pace = &p
	l.shared.phase.Store(1)
	nowNs = int64(9 * time.Millisecond) // the generator or the server stood still
	if err := l.look(); err != nil {
		t.Fatal(err)
	}
	if conn.flight.n != 10 {
		t.Fatalf("%d batches under way, want 10", conn.flight.n)
	}
	nowNs = int64(10 * time.Millisecond)
	for range 10 {
		l.count(1, nowNs-conn.flight.oldest())
		if err := l.answered(conn, 0, nowNs); err != nil {
			t.Fatal(err)
		}
	}
	got := l.rounds[0].Summary()
	if got.Count != 10 || got.Max < 9_900_000 || got.P50 < 4_900_000 || got.P50 > 6_100_000 {
		t.Errorf("latencies %+v, want 1 to 10 ms", got)
	}
	if lag := l.lags[0].Summary(); lag.Count != 10 || lag.Max < 8_900_000 {
		t.Errorf("lag %+v, want up to 9 ms", lag)
	}
}

// TestWrongReplyFailsRun runs whole against a server that answers wrongly.
func TestWrongReplyFailsRun(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				buf := make([]byte, 4096)
				conn.Read(buf)
				io.WriteString(conn, "OK\nERROR INTERNAL bad day\n")
				io.Copy(io.Discard, conn)
			}()
		}
	}()
	_, err = Run(t.Context(), Config{Server: listener.Addr().String(), Floor: true, Conns: 2, Depths: []int{4},
		Warmup: time.Millisecond, Duration: time.Millisecond, Rounds: 1})
	if !errors.Is(err, ErrWrongReply) {
		t.Fatalf("got %v, want %v", err, ErrWrongReply)
	}
}
