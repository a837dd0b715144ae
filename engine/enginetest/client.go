// Package enginetest has the client that the tests of recoveries share: those on a virtual clock in
// package engine, and those that kill processes in cmd/dlm. Only tests import it.
//
// A Client is a service that uses locks correctly. It keeps its own deadline for each hold and does
// not rely on the hold after it. On a new connection it claims what it holds, as PROTOCOL.md tells
// clients to. It compares each answer with what it believes, and an answer that breaks a promise of
// the server fails the test. The test decides what the client does next, carries its lines, and has
// its clock.
package enginetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// Client is one service. One goroutine uses it.
type Client struct {
	Service string
	Shows   bool          // it sends TOKEN, and COUNT with a claim
	Lease   time.Duration // the server's lease for holds without a TTL
	Margin  time.Duration // how long before the end of a lease it stops relying on the hold

	Rng *rand.Rand
	Now func() int64 // in ns
	// Ask sends a line and returns the answer; ok is false if the answer was lost.
	Ask func(line string) (answer string, ok bool)
	// InGrace reports whether the server may be in a recovery grace.
	InGrace func() bool
	// Confirmed hears of each answer that confirms a hold, with the token in it; nil: nobody asks.
	Confirmed func(h *Hold, token uint64)
	// Req returns the option REQ for the next RELEASE, with a space before it; nil: there is none.
	Req func() string
	// Unanswered gets a RELEASE with REQ that may have ended the hold and whose answer was lost.
	Unanswered func(line string, h *Hold)
	// Changed gets a copy of a hold with a new Until or Released; nil: nobody asks.
	Changed func(Hold)
	Fail    func(format string, args ...any) // a promise was broken
	Did     func(what string)                // for counts of what was tested

	Holds map[string]*Hold // by lock
	asked *Hold            // by an ACQUIRE whose answer has not come
}

// Hold is what a client believes about a hold of its own. Times are in ns, of the client's clock.
type Hold struct {
	Lock, Service string
	Mode          string // the option SHARED or PERMITS with a space before it; empty: exclusive
	Token         uint64
	Count         int
	TTL           time.Duration
	Asked         int64 // when ACQUIRE was sent for the first time
	From          int64 // when its answer came
	Until         int64 // the client relies on the hold before then
	Released      int64 // when the answer to the last RELEASE came; 0: it has not
	Forced        bool  // an admin has ended the hold, and the client does not know

	sent    int64 // when ACQUIRE was sent for the last time
	unsure  bool  // of the count, because an answer was lost
	unshown bool  // the connection is new, and the hold was not claimed on it
}

// Grant returns what the answer to ACQUIRE or HEARTBEAT says of the hold; ok is false if it is no
// hold. The lease is in milliseconds.
func Grant(answer string) (token uint64, count, leaseMs int, ok bool) {
	n, _ := fmt.Sscanf(answer, "OK token=%d count=%d lease_ms=%d", &token, &count, &leaseMs)
	return token, count, leaseMs, n == 3
}

// Reconnected lets the client claim each hold before it does anything else with it.
func (c *Client) Reconnected() {
	for _, h := range c.Holds {
		h.unshown = true
	}
}

// Unshown gives up the holds whose time is over, and returns one that has to be claimed; nil: none.
func (c *Client) Unshown() *Hold {
	for _, lock := range slices.Sorted(maps.Keys(c.Holds)) {
		if h := c.Holds[lock]; h.Until <= c.Now() {
			c.GiveUp(h)
		} else if h.unshown {
			return h
		}
	}
	return nil
}

// GiveUp ends the time in which the client relies on the hold.
func (c *Client) GiveUp(h *Hold) {
	h.Until = min(h.Until, c.Now())
	delete(c.Holds, h.Lock)
	c.changed(h)
}

func (c *Client) changed(h *Hold) {
	if c.Changed != nil {
		c.Changed(*h)
	}
}

// Relies reports whether the client may use what the lock guards.
func (c *Client) Relies(lock string) bool {
	h := c.Holds[lock]
	return h != nil && h.Until > c.Now() && !h.Forced
}

// Acquire returns the line of an ACQUIRE. Its answer goes to Answer.
func (c *Client) Acquire(lock string, waitMs int, ttl time.Duration, mode string) (line string) {
	c.asked = &Hold{Lock: lock, Service: c.Service, Mode: mode, TTL: ttl, Asked: c.Now(), sent: c.Now()}
	return fmt.Sprintf("ACQUIRE %s %s %d%s%s", lock, c.Service, waitMs, c.ttl(ttl), mode)
}

// Repeats notes that an ACQUIRE with REQ is sent again, which renews what it was granted.
func (c *Client) Repeats() { c.asked.sent = c.Now() }

func (c *Client) ttl(ttl time.Duration) string {
	if ttl == c.Lease {
		return ""
	}
	return fmt.Sprintf(" TTL %d", ttl.Milliseconds())
}

// Asks reports whether the answer to an ACQUIRE has not come yet.
func (c *Client) Asks() bool { return c.asked != nil }

// Lose forgets the ACQUIRE, because its answer was lost. A hold that it was granted ends with its
// lease.
func (c *Client) Lose() { c.asked = nil }

// Answer takes the answer to the ACQUIRE, and returns the hold that it grants; nil: none.
func (c *Client) Answer(answer string) *Hold {
	h := c.asked
	c.asked = nil
	var ok bool
	var leaseMs int
	if h.Token, h.Count, leaseMs, ok = Grant(answer); !ok {
		return nil
	}
	c.Did("grant")
	h.From = c.Now()
	h.Until = h.sent + int64(leaseMs)*int64(time.Millisecond) - int64(c.Margin)
	c.Holds[h.Lock] = h
	return h
}

// Claim is the first command about a hold on a new connection.
func (c *Client) Claim(h *Hold) {
	line := fmt.Sprintf("HEARTBEAT %s %s", h.Lock, c.Service)
	if c.Shows {
		line += fmt.Sprintf(" TOKEN %d COUNT %d%s%s", h.Token, h.Count, c.ttl(h.TTL), h.Mode)
	}
	exact, sent := c.InGrace(), c.Now()
	answer, ok := c.Ask(line)
	if !ok {
		return // it claims again
	}
	h.unshown = false
	token, count, _, ok := Grant(answer)
	switch {
	case !ok:
		c.gone(h, answer)
		return
	case !c.Shows:
		c.Did("renewed without token")
	default:
		c.Did("claim" + h.Mode)
		if token != h.Token || exact && count != h.Count {
			c.Fail("%s: %s has claimed token %d and count %d: %s", h.Lock, c.Service, h.Token, h.Count, answer)
		}
	}
	h.Token, h.Count, h.unsure = token, count, false
	c.extend(h, sent)
}

// Reenter takes the hold once more.
func (c *Client) Reenter(h *Hold) {
	sent := c.Now()
	answer, ok := c.Ask(fmt.Sprintf("ACQUIRE %s %s 0%s", h.Lock, c.Service, h.Mode))
	if !ok {
		h.Count++ // what the client has asked for; a claim says so
		h.unsure = true
	} else if c.confirms(h, answer, h.Count+1) {
		c.Did("re-entry")
		c.extend(h, sent)
	}
}

// Renew sends a heartbeat.
func (c *Client) Renew(h *Hold) {
	sent := c.Now()
	answer, ok := c.Ask(fmt.Sprintf("HEARTBEAT %s %s%s", h.Lock, c.Service, c.token(h)))
	if ok && c.confirms(h, answer, h.Count) {
		c.extend(h, sent)
	}
}

// Release gives one count back. The client does not rely on the hold from when it sends a RELEASE
// that may be the last.
func (c *Client) Release(h *Hold) {
	until, last := h.Until, h.unsure || h.Count == 1
	if last {
		c.GiveUp(h)
	}
	line := fmt.Sprintf("RELEASE %s %s%s", h.Lock, c.Service, c.token(h))
	if c.Req != nil {
		line += c.Req()
	}
	answer, ok := c.Ask(line)
	token, count, _, hold := Grant(answer)
	switch {
	case !ok && last && c.Req != nil:
		c.Unanswered(line, h)
	case !ok && last:
		c.Did("release without an answer")
	case !ok:
		h.Count--
		h.unsure = true
	case !last:
		c.confirms(h, answer, h.Count-1)
	case hold && token == h.Token && count == 0:
		c.Did("release")
		h.Released = c.Now()
		c.changed(h)
	case c.Shows && !h.unsure && !h.Forced && until > c.Now():
		c.Fail("%s: %s has released token %d and count 1: %s", h.Lock, c.Service, h.Token, answer)
	}
}

// token returns the option TOKEN in half of the cases, if the client shows its tokens.
func (c *Client) token(h *Hold) string {
	if c.Shows && c.Rng.IntN(2) == 0 {
		return fmt.Sprintf(" TOKEN %d", h.Token)
	}
	return ""
}

// confirms compares an answer with the hold and the count that it has to have. It returns false if
// the hold is gone.
func (c *Client) confirms(h *Hold, answer string, count int) bool {
	token, got, _, ok := Grant(answer)
	if !ok {
		c.gone(h, answer)
		return false
	}
	if h.Forced && token != h.Token {
		h.Until, h.Forced, h.TTL = c.Now(), false, c.Lease // the service has just got the lock anew
	} else if !h.Forced && c.Shows && (token != h.Token || !h.unsure && got != count) {
		c.Fail("%s: %s has token %d and count %d: %s", h.Lock, c.Service, h.Token, count, answer)
	}
	if c.Confirmed != nil {
		c.Confirmed(h, token)
	}
	h.Token, h.Count, h.unsure = token, got, false
	return true
}

// extend moves the deadline of a hold that was renewed by a command of that time.
func (c *Client) extend(h *Hold, sent int64) {
	h.Until = max(h.Until, sent+int64(h.TTL-c.Margin))
	c.changed(h)
}

// gone takes an answer that says that the hold has ended. A client that shows its tokens must not
// be told so before its deadline.
func (c *Client) gone(h *Hold, answer string) {
	if c.Shows && h.Until > c.Now() && !h.Forced {
		c.Fail("%s: %s relies on token %d for %v more: %s", h.Lock, c.Service, h.Token, time.Duration(h.Until-c.Now()), answer)
	}
	c.GiveUp(h)
}
