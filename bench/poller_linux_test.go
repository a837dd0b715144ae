package bench

import (
	"net"
	"testing"
	"time"
)

// TestPollingAccountsForWaits polls on a clock that moves by a nanosecond with each
// reading: the time that went by without input is known, and what is ready is found.
func TestPollingAccountsForWaits(t *testing.T) {
	now := int64(0)
	shared := &progress{poll: true, clock: func() int64 { now++; return now }}
	l, err := newLoop(shared, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	a, b := tcpPair(t)
	if err := l.add(a.(*net.TCPConn), nil); err != nil {
		t.Fatal(err)
	}
	p := l.p
	if ready, err := p.wait(100); err != nil || len(ready) != 0 || shared.idle.Load() != 100 {
		t.Fatalf("nothing to read: %v, %v, idle for %d", ready, err, shared.idle.Load())
	}
	if ready, err := p.wait(0); err != nil || len(ready) != 0 || shared.idle.Load() != 100 {
		t.Fatalf("without time: %v, %v, idle for %d", ready, err, shared.idle.Load())
	}
	if _, err := b.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	ready, err := p.wait(time.Hour)
	if err != nil || len(ready) != 1 || ready[0].key != 0 || !ready[0].read {
		t.Fatalf("a byte to read: %v, %v", ready, err)
	}
}
