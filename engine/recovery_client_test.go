package engine

import (
	"strings"
	"time"

	"dlm/engine/enginetest"
)

// modelClient is a client of the model: what it believes, and its connection in memory.
type modelClient struct {
	enginetest.Client
	w *modelWorld
	k *client
}

func newModelClient(w *modelWorld, service string, shows bool) *modelClient {
	c := &modelClient{w: w}
	c.Client = enginetest.Client{Service: service, Shows: shows, Lease: time.Second, Holds: map[string]*enginetest.Hold{},
		Rng: w.rng, Now: func() int64 { return w.now }, Ask: c.ask, InGrace: w.graceRuns, Confirmed: c.confirmed,
		Fail: w.violated, Did: func(what string) { w.did[what]++ }}
	return c
}

func (c *modelClient) connect() {
	c.k = c.w.s.dial(0)
	c.k.send("DETAIL ON\n")
	c.k.reads()
	c.Lose()
	c.Reconnected()
}

func (c *modelClient) disconnect() {
	if c.k != nil {
		c.k.hangUp()
		c.k = nil
	}
	c.Lose()
	c.Reconnected()
}

// ask sends a line. One answer of twenty does not arrive.
func (c *modelClient) ask(line string) (answer string, ok bool) {
	c.k.send(line + "\n")
	answer = strings.TrimSuffix(c.k.reads(), "\n")
	c.w.note("%s: %s: %s", c.Service, line, answer)
	return answer, !c.w.loses()
}

// loses reports whether the next answer does not arrive.
func (w *modelWorld) loses() bool {
	if w.rng.IntN(20) > 0 {
		return false
	}
	w.did["lost reply"]++
	return true
}

// act does a random thing, but claims holds first.
func (c *modelClient) act() {
	if c.Asks() {
		return
	}
	if h := c.Unshown(); h != nil {
		c.Claim(h)
		return
	}
	lock := modelLock(c.w.rng.IntN(modelLocks))
	h := c.Holds[lock]
	switch n := c.w.rng.IntN(10); {
	case h == nil:
		c.acquire(lock)
	case n < 3 && (c.Shows || !c.w.graceRuns()): // without a token it would be told to wait
		c.Reenter(h)
	case n < 6:
		c.Renew(h)
	default:
		c.Release(h)
	}
}

func (c *modelClient) acquire(lock string) {
	ttl := time.Second
	if c.w.rng.IntN(3) == 0 {
		ttl = c.w.grace
	}
	c.k.send(c.Acquire(lock, c.w.rng.IntN(3)*400, ttl, "") + "\n")
	c.read()
}

// read takes the answer to an ACQUIRE, if it has come. If it is lost, the client never knows of the
// lease that it may have.
func (c *modelClient) read() {
	if !c.Asks() || c.k == nil {
		return
	}
	answer := c.k.reads()
	if answer == "" {
		return
	}
	c.w.note("%s: asked before: %s", c.Service, answer)
	if c.w.loses() {
		c.Lose()
		return
	}
	c.Answer(answer)
}

// confirmed checks the token of a hold that a client without tokens relies on.
func (c *modelClient) confirmed(h *enginetest.Hold, token uint64) {
	if !c.Shows && !h.Forced && !c.w.graceRuns() && token < c.w.largest[h.Lock] {
		c.w.violated("%s: %s holds it with token %d, and %d was given", h.Lock, c.Service, token, c.w.largest[h.Lock])
	}
}
