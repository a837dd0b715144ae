package engine

import (
	"fmt"
	"time"

	"dlm/codec"
	"dlm/table"
)

// The fencing tokens of a shard begin at the token start and rise by one per grant. The token start
// lies above all tokens of the starts that the directory knows of, and above the wall clock in
// units of 1/1024 ms. So a start that knows nothing is above the former ones too, unless the clock
// was set back or a shard has granted more than a million locks a second since. Up to
// codec.TokenMax there is room for 220 years of the clock.
const (
	tokensPerMs = 1 << 10
	// tokenReserve is how many tokens a start may give in one shard before it
	// must write START again: 17 minutes of the clock, and as many as one lock that is
	// granted 5 million times a second uses in 214 s.
	tokenReserve = 1 << 30
	// tokenLookEvery is how often it is looked whether START must be written again, which is
	// so when half of the reserve is used: after 107 s at the earliest.
	tokenLookEvery = 10 * time.Second
	// tokenLeap sets a start from a promotion or a copied image apart, see leap: 3.1 days of the
	// clock, so that there is room for 26,000 of them.
	tokenLeap = 1 << 38
	// tokenFloorMax is the largest --token-floor: it leaves room for a century of the clock.
	tokenFloorMax = codec.TokenMax / 2
	// tokenLeapOlder is the same for --recover older.
	tokenLeapOlder = tokenLeap / 2
)

// wallToken returns the token of a wall-clock time.
func wallToken(t time.Time) codec.Token {
	return codec.Token(max(0, t.UnixMilli())) * tokensPerMs
}

// leap returns how far tokens go ahead of what START and image know, when others may have started
// from that image, too. A promotion or a copied image goes farther than --recover older, which has
// START, and could have come before it. The time since the image is added, so that of two copies
// started one after the other the second is ahead; only who sets the clock back as well can
// make tokens meet.
func (r *recovered) leap(hasStart bool) codec.Token {
	age := codec.Token(max(0, r.started.Sub(time.Unix(0, r.header.WallTime)).Milliseconds())) * tokensPerMs
	if hasStart {
		return tokenLeapOlder + age
	}
	return tokenLeap + age
}

// noTokensLeft is the error of a start whose tokens would begin too close to the largest.
func noTokensLeft(start codec.Token) error {
	return fmt.Errorf("no fencing tokens are left: this start would give tokens above %d, the largest is %d: "+
		"see whether the wall clock is right; it counts in 1/1024 ms", uint64(start), uint64(codec.TokenMax))
}

// extendTokens renews the durable ceiling of tokens long before it is reached.
func (m *imager) extendTokens() error {
	largest := codec.Token(0)
	for i := range table.Shards {
		shard := m.rec.table.ShardAt(i)
		shard.Lock()
		largest = max(largest, shard.Counter())
		shard.Unlock()
	}
	m.looked = time.Now()
	next := m.rec.start
	if next.TokenCeiling-largest > tokenReserve/2 || next.TokenCeiling > codec.TokenMax-tokenReserve {
		return nil
	}
	next.TokenCeiling += tokenReserve
	if err := m.rec.dir.WriteStart(&next); err != nil {
		return fmt.Errorf("START: %w", err)
	}
	m.rec.start.TokenCeiling = next.TokenCeiling // the rest is read by others
	m.rec.table.SetTokenCeiling(next.TokenCeiling)
	return nil
}

// keepTokens is extendTokens where an image is far away, or takes long.
func (m *imager) keepTokens() {
	if time.Since(m.looked) < tokenLookEvery {
		return
	}
	if err := m.extendTokens(); err != nil {
		m.e.cfg.Log.Error("the ceiling of fencing tokens can't be raised; at it nothing is granted", "error", err.Error())
	}
}
