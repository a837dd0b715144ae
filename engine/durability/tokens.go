package durability

import (
	"fmt"
	"time"

	"dlm/codec"
)

// The fencing tokens of a shard begin at the token start and rise by one per grant. The token start
// lies above all tokens of the starts that the directory knows of, and above the wall clock in
// units of 1/1024 ms. So a start that knows nothing is above the former ones too, unless the clock
// was set back or a shard has granted more than a million locks a second since. Up to
// codec.TokenMax there is room for 220 years of the clock.
const (
	tokensPerMs = 1 << 10
	// TokenReserve is how many tokens a start may give in one shard before it must write START
	// again. It is 17 minutes of the clock. One lock that is granted 5 million times a second
	// uses it up in 214 s.
	TokenReserve = 1 << 30
	// TokenLeap sets a start from a promotion or a copied image apart, see leap. It is 3.1 days of
	// the clock, so that there is room for 26,000 of them.
	TokenLeap = 1 << 38
	// TokenLeapOlder is the same for --recover older.
	TokenLeapOlder = TokenLeap / 2
	// TokenFloorMax is the largest --token-floor: it leaves room for a century of the clock.
	TokenFloorMax = codec.TokenMax / 2
)

// WallToken returns the token of a wall-clock time.
func WallToken(t time.Time) codec.Token {
	return codec.Token(max(0, t.UnixMilli())) * tokensPerMs
}

// leap returns how far tokens go ahead of what START and the image know, because others may have
// started from that image too. A promotion or a copied image goes farther than --recover older,
// which has START, and could have come before it. The leap grows with the age of the image. So of
// two copies that start one after the other the second is ahead. Tokens can meet only if the clock
// is set back as well.
func (f *Facts) leap() codec.Token {
	age := codec.Token(0)
	if f.Image != nil {
		written := time.Unix(0, f.Image.WallTime)
		age = codec.Token(max(0, f.Wall.Sub(written).Milliseconds())) * tokensPerMs
	}
	if f.PassedOver {
		return TokenLeapOlder + age
	}
	return TokenLeap + age
}

// noTokensLeft is the error of a start whose tokens would begin too close to the largest.
func noTokensLeft(start codec.Token) error {
	return fmt.Errorf("no fencing tokens are left: this start would give tokens above %d, and the largest is %d. "+
		"Check the wall clock: tokens start at its time in 1/1024 ms", uint64(start), uint64(codec.TokenMax))
}
