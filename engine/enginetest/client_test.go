package enginetest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// TestClientFindsBrokenPromises lets a client that holds a lock twice send one command. The answer
// is right, or it breaks a promise.
func TestClientFindsBrokenPromises(t *testing.T) {
	const second = int64(time.Second)
	for name, c := range map[string]struct {
		command func(*Client, *Hold)
		now     int64
		answer  string
		broken  bool
		until   int64 // afterwards; 0: the client has given the hold up
	}{
		"renewed":                    {(*Client).Renew, second / 2, "OK token=7 count=2 lease_ms=1000", false, second * 3 / 2},
		"renewed under another":      {(*Client).Renew, second / 2, "OK token=8 count=2 lease_ms=1000", true, second * 3 / 2},
		"lost before its deadline":   {(*Client).Renew, second / 2, "ERROR NOTOWNER x", true, 0},
		"lost at its deadline":       {(*Client).Renew, second, "ERROR NOTOWNER x", false, 0},
		"no answer":                  {(*Client).Renew, second / 2, "", false, second},
		"re-entered":                 {(*Client).Reenter, 1, "OK token=7 count=3 lease_ms=1000", false, second + 1},
		"re-entered without a count": {(*Client).Reenter, 1, "OK token=7 count=2 lease_ms=1000", true, second + 1},
		"claimed":                    {(*Client).Claim, 1, "OK token=7 count=2 lease_ms=1000", false, second + 1},
		"claimed with another count": {(*Client).Claim, 1, "OK token=7 count=1 lease_ms=1000", true, second + 1},
		"claimed in vain":            {(*Client).Claim, 1, "ERROR STALE x", true, 0},
		"claimed too late":           {(*Client).Claim, second, "ERROR STALE x", false, 0},
		"released once":              {(*Client).Release, 1, "OK token=7 count=1 lease_ms=1000", false, second},
		"released for others":        {(*Client).Release, 1, "OK token=7 count=0 lease_ms=0", true, second},
	} {
		t.Run(name, func(t *testing.T) {
			now, broken := int64(0), ""
			k := &Client{Service: "s", Shows: true, Lease: time.Second, Rng: rand.New(rand.NewPCG(1, 1)), Holds: map[string]*Hold{},
				Now: func() int64 { return now }, Ask: func(string) (string, bool) { return c.answer, c.answer != "" },
				InGrace: func() bool { return true }, Did: func(string) {},
				Fail: func(format string, args ...any) { broken = fmt.Sprintf(format, args...) }}
			if line := k.Acquire("x", 0, time.Second, ""); line != "ACQUIRE x s 0" {
				t.Errorf("%q", line)
			}
			h := k.Answer("OK token=7 count=2 lease_ms=1000")
			now = c.now
			c.command(k, h)
			if (broken != "") != c.broken {
				t.Errorf("broken: %q", broken)
			}
			if left := k.Holds["x"]; left == nil != (c.until == 0) || left != nil && left.Until != c.until {
				t.Errorf("left: %+v", left)
			}
		})
	}
}

// TestClientCountsLostAnswers checks what a claim says after an answer was lost, and that a RELEASE
// after that may be the last.
func TestClientCountsLostAnswers(t *testing.T) {
	answer, sent := "", ""
	k := &Client{Service: "s", Shows: true, Lease: time.Second, Rng: rand.New(rand.NewPCG(1, 1)), Holds: map[string]*Hold{},
		Now: func() int64 { return 0 }, InGrace: func() bool { return true }, Did: func(string) {}, Fail: t.Errorf,
		Ask: func(line string) (string, bool) { sent = line; return answer, answer != "" }}
	k.Acquire("x", 0, 2*time.Second, " SHARED")
	h := k.Answer("OK token=7 count=1 lease_ms=2000")
	k.Reenter(h)
	k.Reconnected()
	answer = "OK token=7 count=2 lease_ms=2000"
	k.Claim(k.Unshown())
	if sent != "HEARTBEAT x s TOKEN 7 COUNT 2 TTL 2000 SHARED" || k.Unshown() != nil {
		t.Errorf("%q, to claim: %v", sent, k.Unshown())
	}
	answer = ""
	if k.Release(h); !k.Relies("x") {
		t.Error("a hold of two counts is gone with one RELEASE")
	}
	if k.Release(h); k.Relies("x") {
		t.Error("it relies on a hold after a RELEASE that may be the last")
	}
}
