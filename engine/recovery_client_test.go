package engine

import (
	"fmt"
	"strings"
	"time"
)

// modelClient is a service that uses locks correctly: it keeps its own deadline for each hold, and
// does not rely on the hold after it.
type modelClient struct {
	w       *modelWorld
	service string
	shows   bool // its tokens, after a restart
	k       *client
	holds   map[string]*belief // by lock
	waits   string             // lock that it waits for; empty: none
	asked   int64              // when
	ttl     time.Duration      // with which TTL
}

// belief is a client's knowledge of a hold.
type belief struct {
	token   uint64
	count   int
	unsure  bool // of the count: an answer was lost
	ttl     time.Duration
	until   int64 // real time until which it relies on the hold
	forced  bool  // an admin has ended it, and the client does not know
	unshown bool  // the server has been started since
}

func (c *modelClient) connect() {
	c.k = c.w.s.dial(0)
	c.k.send("DETAIL ON\n")
	c.k.reads()
	c.waits = ""
	for _, b := range c.holds {
		b.unshown = true
	}
}

func (c *modelClient) disconnect() {
	if c.k != nil {
		c.k.hangUp()
		c.k = nil
	}
	c.waits = ""
}

// ask sends a line; lost: its answer does not arrive.
func (c *modelClient) ask(format string, args ...any) (reply string, lost bool) {
	c.k.send(fmt.Sprintf(format, args...) + "\n")
	reply = strings.TrimSuffix(c.k.reads(), "\n")
	c.w.note("%s: %s: %s", c.service, fmt.Sprintf(format, args...), reply)
	if c.w.rng.IntN(20) == 0 {
		c.w.did["lost reply"]++
		return "", true
	}
	return reply, false
}

// act does a random thing, but shows holds first.
func (c *modelClient) act() {
	if c.waits != "" {
		return
	}
	for lock, b := range c.holds {
		if b.until <= c.w.now {
			delete(c.holds, lock)
		} else if b.unshown {
			c.show(lock, b)
			return
		}
	}
	lock := modelLock(c.w.rng.IntN(modelLocks))
	b := c.holds[lock]
	switch n := c.w.rng.IntN(10); {
	case b == nil:
		c.acquire(lock)
	case n < 3:
		c.reenter(lock, b)
	case n < 6:
		c.heartbeat(lock, b)
	default:
		c.release(lock, b)
	}
}

func (c *modelClient) acquire(lock string) {
	ttl, option := time.Second, ""
	if c.w.rng.IntN(3) == 0 {
		ttl = c.w.grace
		option = fmt.Sprintf(" TTL %d", ttl.Milliseconds())
	}
	wait := c.w.rng.IntN(3) * 400
	c.asked, c.ttl = c.w.now, ttl
	c.k.send(fmt.Sprintf("ACQUIRE %s %s %d%s\n", lock, c.service, wait, option))
	c.waits = lock
	c.read()
}

// read takes the answer to an ACQUIRE, if it has come.
func (c *modelClient) read() {
	if c.waits == "" || c.k == nil {
		return
	}
	reply := c.k.reads()
	if reply == "" {
		return
	}
	lock := c.waits
	c.waits = ""
	c.w.note("%s: asked for %s at %v: %s", c.service, lock, time.Duration(c.asked), reply)
	if c.w.rng.IntN(20) == 0 {
		c.w.did["lost reply"]++
		return // its lease will end unknown to the client
	}
	if token, count, lease, ok := parseHold(reply); ok {
		c.w.did["grant"]++
		c.holds[lock] = &belief{token: token, count: count, ttl: c.ttl,
			until: c.asked + int64(lease)*int64(time.Millisecond)}
	}
}

func parseHold(reply string) (token uint64, count, lease int, ok bool) {
	n, _ := fmt.Sscanf(reply, "OK token=%d count=%d lease_ms=%d", &token, &count, &lease)
	return token, count, lease, n == 3
}

// show is a client's first command about a hold after a restart.
func (c *modelClient) show(lock string, b *belief) {
	line := fmt.Sprintf("HEARTBEAT %s %s", lock, c.service)
	if c.shows {
		line += fmt.Sprintf(" TOKEN %d COUNT %d TTL %d", b.token, b.count, b.ttl.Milliseconds())
	}
	grace := c.w.graceRuns()
	reply, lost := c.ask("%s", line)
	if lost {
		return // it will show it again
	}
	b.unshown = false
	token, count, _, ok := parseHold(reply)
	switch {
	case ok && c.shows:
		c.w.did["shown"]++
		if token != b.token || grace && count != b.count {
			c.w.violated("%s: %s has shown token %d and count %d: %s", lock, c.service, b.token, b.count, reply)
		}
		b.count, b.unsure = count, false
		c.renew(b)
	case ok:
		c.w.did["renewed without token"]++
		b.token, b.count, b.unsure = token, count, false
		c.renew(b)
	default:
		c.lost(lock, b, reply)
	}
}

// lost is called for an answer that says that the hold is gone.
func (c *modelClient) lost(lock string, b *belief, reply string) {
	if c.shows && b.until > c.w.now && !b.forced {
		c.w.violated("%s: %s relies on token %d for %v more: %s", lock, c.service, b.token, time.Duration(b.until-c.w.now), reply)
	}
	delete(c.holds, lock)
}

func (c *modelClient) renew(b *belief) { b.until = max(b.until, c.w.now+int64(b.ttl)) }

// same checks an answer about a hold that the client has.
func (c *modelClient) same(lock string, b *belief, reply string, count int) bool {
	token, got, _, ok := parseHold(reply)
	if !ok {
		c.lost(lock, b, reply)
		return false
	}
	if b.forced && token != b.token {
		b.until, b.forced, b.ttl = c.w.now, false, time.Second // it has just got the lock anew
	} else if !b.forced && c.shows && (token != b.token || !b.unsure && got != count) {
		c.w.violated("%s: %s has token %d and count %d: %s", lock, c.service, b.token, count, reply)
	}
	if !c.shows && !b.forced && !c.w.graceRuns() && token < c.w.largest[lock] {
		c.w.violated("%s: %s holds it with token %d, and %d was given", lock, c.service, token, c.w.largest[lock])
	}
	b.token, b.count, b.unsure = token, got, false
	return true
}

func (c *modelClient) reenter(lock string, b *belief) {
	if !c.shows && c.w.graceRuns() {
		return // it would be told to wait
	}
	reply, lost := c.ask("ACQUIRE %s %s 0", lock, c.service)
	if lost {
		b.unsure = true
	} else if c.same(lock, b, reply, b.count+1) {
		c.w.did["re-entry"]++
		c.renew(b)
	}
}

func (c *modelClient) heartbeat(lock string, b *belief) {
	option := ""
	if c.shows && c.w.rng.IntN(2) == 0 {
		option = fmt.Sprintf(" TOKEN %d", b.token)
	}
	reply, lost := c.ask("HEARTBEAT %s %s%s", lock, c.service, option)
	if !lost && c.same(lock, b, reply, b.count) {
		c.renew(b)
	}
}

// release gives one count back. After the last one, or if an answer is lost, the client does not
// rely on the hold any more.
func (c *modelClient) release(lock string, b *belief) {
	if b.unsure || b.count == 1 {
		delete(c.holds, lock)
	}
	reply, lost := c.ask("RELEASE %s %s", lock, c.service)
	switch {
	case lost:
		delete(c.holds, lock)
	case c.holds[lock] == nil:
		c.w.did["release"]++
	default:
		c.same(lock, b, reply, b.count-1)
	}
}
