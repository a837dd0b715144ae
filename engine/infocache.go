package engine

import (
	"sync"
	"time"
)

const (
	infoPerSecond = 10 // how often INFO is made, beyond the first ten; others get what was made last
	infoAge       = int64(time.Second) / infoPerSecond
)

// infoCache has the last INFO of each choice of sections. To make one takes the mutexes of all
// shards and asks the runtime, half a millisecond: too much for whoever sends a thousand of them.
type infoCache struct {
	mu     sync.Mutex
	made   map[uint32][]byte // by the set of sections, of which there are 256; guarded by mu
	credit int64             // guarded by mu; ns, infoAge for each that may be made now
	at     int64             // when credit was brought up to date; guarded by mu
}

// mayMake reports whether INFO may be made anew at table time now, and takes a credit for it.
// c.mu is held.
func (c *infoCache) mayMake(now int64) bool {
	if c.made == nil {
		c.made, c.credit = make(map[uint32][]byte), int64(time.Second)
	}
	c.credit = min(c.credit+max(now-c.at, 0), int64(time.Second))
	c.at = now
	if c.credit < infoAge {
		return false
	}
	c.credit -= infoAge
	return true
}

// appendInfo appends INFO of a set of sections, and reports whether it was made for this.
func (e *Engine) appendInfo(b []byte, sections uint32, now int64) (_ []byte, made bool) {
	c := &e.infos
	c.mu.Lock()
	defer c.mu.Unlock()
	last, known := c.made[sections]
	if !c.mayMake(now) && known {
		return append(b, last...), false
	}
	from := len(b)
	for i, s := range infoSections {
		if sections&(1<<i) == 0 {
			continue
		}
		if len(b) > from {
			b = append(b, "\r\n"...)
		}
		b = append(b, "# "+s.name+"\r\n"...)
		b = s.write(e, b)
	}
	c.made[sections] = append(last[:0], b[from:]...)
	return b, true
}
