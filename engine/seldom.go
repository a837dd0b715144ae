package engine

import (
	"sync"
	"time"
)

const (
	refusalLogEvery = 5 * time.Second // between two lines about refused connections
	// HandshakeLogEvery is the time between two lines about failed handshakes, because one client
	// with an old certificate tries for ever.
	HandshakeLogEvery = time.Minute
)

// Seldom counts what strangers can cause at any rate, so that the log has one line in a while. Any
// goroutine may use it. The zero value is ready.
type Seldom struct {
	mu     sync.Mutex
	at     time.Time // of the last line; guarded by mu
	unsaid int       // since then; guarded by mu
}

// Due counts one more, and returns how many a line of the log is to tell now; 0: no line is due.
func (s *Seldom) Due(every time.Duration) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsaid++
	if now := time.Now(); now.Sub(s.at) >= every {
		n, s.at, s.unsaid = s.unsaid, now, 0
	}
	return n
}
