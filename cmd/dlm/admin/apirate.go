package admin

import (
	"net/netip"
	"sync"
	"time"
)

const (
	callsPerSecond = 20                     // requests of one caller to the JSON side
	callsBurst     = 40                     // that a caller may send after a rest
	callersMax     = 1024                   // callers that are remembered
	scansMax       = 2                      // requests that walk records, at the same time
	scanWait       = 100 * time.Millisecond // for a place among them
)

// callRate bounds the requests of each caller.
type callRate struct {
	mu      sync.Mutex
	callers map[callerKey]*caller // guarded by mu
}

// callerKey is an address, and a token that is known. So nobody keeps an admin of the same machine
// from acting, and people who come through one proxy are told apart by their tokens.
type callerKey struct {
	from  netip.Addr
	token string // its name; empty: none
}

// caller is what one may still ask.
type caller struct {
	credit float64 // requests
	at     time.Time
}

// take takes the credit for one request, and reports whether there was one.
func (c *callRate) take(from callerKey, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.callers == nil {
		c.callers = make(map[callerKey]*caller)
	}
	who := c.callers[from]
	if who == nil {
		if len(c.callers) >= callersMax {
			c.forget(now)
		}
		who = &caller{credit: callsBurst, at: now}
		c.callers[from] = who
	}
	who.credit = min(callsBurst, who.credit+now.Sub(who.at).Seconds()*callsPerSecond)
	who.at = now
	if who.credit < 1 {
		return false
	}
	who.credit--
	return true
}

// forget drops the callers whose credit is full again, or all of them if there are none.
func (c *callRate) forget(now time.Time) {
	for from, who := range c.callers {
		if now.Sub(who.at).Seconds()*callsPerSecond >= callsBurst {
			delete(c.callers, from)
		}
	}
	if len(c.callers) >= callersMax {
		clear(c.callers)
	}
}

// caller returns what the sender of a request is counted as.
func (c *call) caller() callerKey {
	key := callerKey{from: addrOf(c.RemoteAddr)}
	if c.v.token {
		key.token = c.v.name
	}
	return key
}

// mayCall reports whether the sender of a request may ask now.
func (s *Server) mayCall(c *call) bool { return s.rate.take(c.caller(), time.Now()) }
