package engine

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"dlm/engine/clock"
)

// BenchmarkCosts measures the CPU time of each kind of command in its loop, beside its charge in
// units of 100 ns. Both should be close, because a command that is charged too little lets its
// sender starve others. Writing to the sink costs nothing; costWrite and costBytes are for that.
func BenchmarkCosts(b *testing.B) {
	docs := "*2\r\n$7\r\nCOMMAND\r\n$4\r\nDOCS\r\n"
	for _, kind := range []struct{ name, setup, line string }{
		{"plain", "", "ACQUIRE x me 0\nRELEASE x me\n"},
		{"options", "", "ACQUIRE x me 0 TTL 5000\nRELEASE x me TOKEN 1\n"},
		{"refused", "ACQUIRE y other 0\n", "ACQUIRE y me 0\n"},
		{"status", "ACQUIRE y other 0\n", "STATUS y\n"},
		{"malformed", "", "aquire x me 0\n"},
		{"nonsense", "", "qwertyuiop\n"},
		{"ping", "", "PING\n"},
		{"help", "", "HELP\n"},
		{"help error", "", "HELP ERRORS\n"},
		{"docs", "", docs},
		{"info cached", "", "INFO\n"},
		{"locks none", locksToHold(20_000), "LOCKS PREFIX nothing\n"},
		{"locks 100", locksToHold(20_000), "LOCKS\n"},
		{"tagged wait", "ACQUIRE y other 0\n", "@1 ACQUIRE y me 5\n@2 PING\n"},
	} {
		b.Run(kind.name, func(b *testing.B) {
			s := newSim(b, nil)
			r := s.e.reactors[0]
			c := r.open(&sink{})
			for line := range strings.SplitAfterSeq(kind.setup, "\n") {
				r.feed(c, []byte(line))
				s.settle()
			}
			in := []byte(kind.line)
			n := float64(strings.Count(kind.line, "\n"))
			if kind.line[0] == '*' {
				n = 1
			}
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			charged, from := 0, clock.ThreadTime()
			for b.Loop() {
				r.round.spent = 0
				r.feed(c, in)
				charged += r.cost
				s.due, s.asks = s.due[:0], s.asks[:0]
			}
			b.ReportMetric(float64(clock.ThreadTime()-from)/float64(b.N)/n, "cpu-ns/cmd")
			b.ReportMetric(float64(charged)/float64(b.N)/n*100, "charged-ns/cmd")
		})
	}
}

func locksToHold(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "ACQUIRE held/%d me 0 TTL 86400000\n", i)
	}
	return b.String()
}

// BenchmarkBounds measures what CLIENTS costs a loop: a look at 1,000 places of connections.
func BenchmarkBounds(b *testing.B) {
	s := newSim(b, nil)
	for range connSlots {
		s.dial(0)
	}
	r := s.e.reactors[0]
	b.Run("connections", func(b *testing.B) {
		for b.Loop() {
			r.listConns(0, connSlots)
		}
		b.ReportMetric(100e3, "bound-ns/op")
	})
}
