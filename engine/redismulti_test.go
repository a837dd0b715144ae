package engine

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"dlm/internal/testflag"
)

const (
	refusedMulti  = "-ERR " + multiRefused + "\r\n"
	refusedBehind = "-BADARG " + behindRefused + "\r\n"
	execAbort     = "-EXECABORT Transaction discarded because of previous errors.\r\n"
)

// transactionOf returns what the default pipeline of redis-py sends, and the answers.
func transactionOf(lines ...string) (sent, answered string) {
	sent, answered = lineArray("MULTI"), refusedMulti
	for _, line := range lines {
		sent += lineArray(line)
		answered += refusedBehind
	}
	return sent + lineArray("EXEC"), answered + execAbort
}

// TestNothingInTransactionIsExecuted sends one in pieces of each size.
func TestNothingInTransactionIsExecuted(t *testing.T) {
	sent, answered := transactionOf("ACQUIRE tx me 0", "HEARTBEAT tx me", "RELEASE held me", "STATUS tx", "PING", "WATCH x",
		"ACQUIRE tx me 1000", "ACQUIRE tx me 0 TTL 500", "HELLO 3", "SELECT 0")
	for size := 1; size <= len(sent); size++ {
		s := newSim(t, nil)
		k := s.dial(0)
		k.do("ACQUIRE held me 0", "OK")
		for rest := sent; len(rest) > 0; {
			piece := rest[:min(size, len(rest))]
			k.send(piece)
			rest = rest[len(piece):]
		}
		k.expect(answered)
		if !s.free("tx") || s.free("held") {
			t.Fatalf("in pieces of %d: tx free %v, held free %v", size, s.free("tx"), s.free("held"))
		}
		k.do("RELEASE held me", "OK")
		k.do("ACQUIRE tx me 0", "OK")
	}
}

// TestTransactionsInRandomPipelines compares with the answer to each command alone. Locks named tx
// must never be held.
func TestTransactionsInRandomPipelines(t *testing.T) {
	for seed := range testflag.Random(t, 300) {
		rng := rand.New(rand.NewPCG(seed, 7))
		s := newSim(t, nil)
		k, holder := s.dial(0), s.dial(rng.IntN(2))
		holder.do("ACQUIRE x A 0", "OK")
		var sent strings.Builder
		inside := false
		for i := range 30 {
			switch rng.IntN(5) {
			case 0:
				sent.WriteString(lineArray(map[bool]string{false: "MULTI", true: "EXEC"}[inside]))
				inside = !inside
			case 1:
				if !inside {
					fmt.Fprintf(&sent, "ACQUIRE x B%d 0\nACQUIRE x B 60000\nRELEASE x B\n", i)
				}
			default:
				lock := map[bool]string{false: "ok", true: "tx"}[inside]
				line := fmt.Sprintf("%s %s B 0\n", []string{"ACQUIRE", "acquire", "@t ACQUIRE"}[rng.IntN(3)], lock)
				if rng.IntN(2) == 0 {
					line = lineArray("ACQUIRE " + lock + " B 0")
				}
				sent.WriteString(line)
			}
		}
		for rest := sent.String(); len(rest) > 0; {
			n := 1 + rng.IntN(min(200, len(rest)))
			k.send(rest[:n])
			rest = rest[n:]
			if rng.IntN(8) == 0 {
				holder.send("RELEASE x A\nACQUIRE x A 0\n")
			}
			if !s.free("tx") {
				t.Fatalf("seed %d: executed within a transaction:\n%q", seed, sent.String())
			}
		}
	}
}
