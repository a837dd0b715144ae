package bench

import (
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

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

// fakeLoop makes a loop with a clock of the test's own and one connection that sends PINGs, to a
// peer that drops its input.
func fakeLoop(t *testing.T, nowNs *int64, depth int) (*loop, *streamConn) {
	t.Helper()
	l, err := newLoop(&progress{clock: func() int64 { return *nowNs }}, 1)
	if err != nil && runtime.GOOS != "linux" {
		t.Skip(err) // other systems have no poller yet
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	a, b := tcpPair(t)
	go func() { _, _ = io.Copy(io.Discard, b) }()
	w := &Ping{}
	w.EnsureDefaults()
	if err := l.add(a.(*net.TCPConn), streamOf(testRun(1, 0), w.plan(1), depth, 0)); err != nil {
		t.Fatal(err)
	}
	return l, l.conns[0]
}

// TestStallIsChargedToAllItDelays sends an open loop's batches late and together: each must be
// charged from when it was due.
func TestStallIsChargedToAllItDelays(t *testing.T) {
	nowNs := int64(0)
	l, conn := fakeLoop(t, &nowNs, 1)
	l.pace = newPace(0, 1000, 1) // a command each millisecond
	l.shared.phase.Store(1)
	nowNs = int64(9 * time.Millisecond) // the generator or the server stood still
	if err := l.turn(); err != nil {
		t.Fatal(err)
	}
	if conn.flight.len() != 10 {
		t.Fatalf("%d batches under way, want 10", conn.flight.len())
	}
	nowNs = int64(10 * time.Millisecond)
	for range 10 {
		if _, err := l.read(l.conns[0], []byte("OK\n"), nowNs); err != nil {
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

// TestRepliesAreCountedHoweverTheyArrive hands two batches of three replies over in pieces.
func TestRepliesAreCountedHoweverTheyArrive(t *testing.T) {
	const in = "OK\nOK\nOK\n"
	for piece := 1; piece <= len(in); piece++ {
		nowNs := int64(0)
		l, c := fakeLoop(t, &nowNs, 3)
		l.shared.phase.Store(1)
		if err := l.turn(); err != nil {
			t.Fatal(err)
		}
		for batch := range 2 {
			if err := l.send(c, nowNs); err != nil {
				t.Fatal(err)
			}
			l.pace = newPace(0, 1, 1) // the loop itself sends nothing more
			nowNs += 1000
			var held []byte
			for from := 0; from < len(in); from += piece {
				rest, err := l.read(l.conns[0], append(held, in[from:min(from+piece, len(in))]...), nowNs)
				if err != nil {
					t.Fatal(err)
				}
				held = append([]byte(nil), rest...)
			}
			if n := l.shared.commands.Load(); n != int64(3*(batch+1)) || c.flight.len() != 0 || len(held) > 0 {
				t.Fatalf("in pieces of %d: %d replies, %d batches under way, %q left", piece, n, c.flight.len(), held)
			}
		}
		if s := l.rounds[0].Summary(); s.Count != 6 || s.Max < 990 || s.Max > 1010 {
			t.Errorf("in pieces of %d: latencies %+v, want 1 µs", piece, s)
		}
	}
}

func TestReplyThatNobodyAskedFor(t *testing.T) {
	nowNs := int64(0)
	l, _ := fakeLoop(t, &nowNs, 1)
	if _, err := l.read(l.conns[0], []byte("OK\n"), 0); err == nil {
		t.Error("no error")
	}
}

// TestLateLoopDropsWhatIsNotSent stops an open loop whose batches the kernel has not taken.
func TestLateLoopDropsWhatIsNotSent(t *testing.T) {
	nowNs := int64(0)
	l, c := fakeLoop(t, &nowNs, 1)
	l.pace, l.active = newPace(0, 1000, 1), 1
	for range 5 {
		c.flight.push(nowNs)
	}
	c.sent, c.queued = 5, 3
	l.shared.phase.Store(phaseStop)
	if err := l.turn(); err != nil {
		t.Fatal(err)
	}
	if c.flight.len() != 2 || c.sent != 2 || l.active != 1 {
		t.Fatalf("%d under way, %d sent, %d active", c.flight.len(), c.sent, l.active)
	}
	if _, err := l.read(l.conns[0], []byte("OK\nOK\n"), nowNs); err != nil || l.active != 0 {
		t.Errorf("%v, %d active", err, l.active)
	}
}
