package admin

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

const (
	callsPerSecond = 20                     // requests of one address to the JSON side
	callsBurst     = 40                     // that an address may send after a rest
	callersMax     = 1024                   // addresses that are remembered
	scansMax       = 2                      // requests that walk records, at the same time
	scanWait       = 100 * time.Millisecond // for a place among them
)

// callRate bounds the requests of each address.
type callRate struct {
	mu      sync.Mutex
	callers map[netip.Addr]*caller // guarded by mu
}

// caller is one address.
type caller struct {
	credit float64 // requests
	at     time.Time
}

// take takes the credit for one request, and reports whether there was one.
func (c *callRate) take(from netip.Addr, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.callers == nil {
		c.callers = make(map[netip.Addr]*caller)
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

// forget drops the addresses whose credit is full again, or all of them if there are none.
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

// mayCall reports whether the address of a request may ask now.
func (s *Server) mayCall(r *http.Request) bool {
	return s.rate.take(addrOf(r.RemoteAddr), time.Now())
}
