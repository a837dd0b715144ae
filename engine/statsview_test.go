package engine

import (
	"testing"
	"time"

	"dlm/codec"
)

// TestStatsAreMadeForAllWhoAsk checks that a flood of scrapes makes no Stats of its own.
func TestStatsAreMadeForAllWhoAsk(t *testing.T) {
	s := newSim(t, nil)
	k := s.dial(0)
	if n := s.e.Stats().Table.Held; n != 0 {
		t.Fatalf("%d held", n)
	}
	k.do("ACQUIRE a s 0", "OK")
	s.e.statsKept.made = time.Now().Add(time.Hour) // as if it were made just before
	if n := s.e.Stats().Table.Held; n != 0 {
		t.Errorf("%d held: Stats were made anew", n)
	}
	s.e.statsKept.made = time.Now().Add(-statsAge)
	if n := s.e.Stats().Table.Held; n != 1 {
		t.Errorf("%d held, after they were too old", n)
	}
}

// TestTrafficAndLimitsAreCounted reads what a client sends, also when it waits for each answer, and
// asks for more than a limit allows.
func TestTrafficAndLimitsAreCounted(t *testing.T) {
	s := newSim(t, func(cfg *Config) { cfg.LocksMax = 1 })
	k := s.dial(0)
	k.do("ACQUIRE a s 0", "OK")
	const refusal = "ERROR LIMIT locks the limit on held locks is reached (max-locks): nothing was changed"
	k.do("ACQUIRE b s 0", refusal)
	k.do("ACQUIRE c s 0", refusal)
	r := s.e.reactors[0]
	if got := s.e.traffic(); got != (Traffic{}) {
		t.Errorf("%+v before the loop has published it", got)
	}
	r.lagAsked.Store(1)
	r.answerLag()
	stats := s.e.Stats()
	sent := len("ACQUIRE a s 0\n") * 3
	if got := stats.Traffic; got.Reads != 3 || got.Received != uint64(sent) || got.Sent != uint64(len("OK\n")+2*len(refusal+"\n")) {
		t.Errorf("%+v, want 3 reads of %d bytes, and the answers", got, sent)
	}
	for _, n := range stats.LimitHits {
		want := uint64(0)
		if n.Name == "locks" {
			want = 2
		}
		if n.Count != want {
			t.Errorf("limit %s was answered %d times, want %d", n.Name, n.Count, want)
		}
	}
	if len(stats.LimitHits) != int(codec.Whiches)-1 {
		t.Errorf("%d limits", len(stats.LimitHits))
	}
}
