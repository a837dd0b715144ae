package bench

import (
	"slices"
	"strings"
	"testing"
)

func TestFormats(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{FormatCount(0), "0.00"}, {FormatCount(999), "999"}, {FormatCount(1234), "1.23k"},
		{FormatCount(12_345_678), "12.3M"}, {FormatCount(2e9), "2.00G"},
		{FormatNs(150), "150ns"}, {FormatNs(1500), "1.50µs"}, {FormatNs(2.5e6), "2.50ms"},
		{FormatNs(3e9), "3.00s"}, {formatBytes(64 << 20), "64.0MiB"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{7}, 7}, {[]float64{3, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v: got %v, want %v", c.values, got, c.want)
		}
	}
}

// TestSharesAreWhole checks that ranges have no gap, and that their lengths differ by one at most.
func TestSharesAreWhole(t *testing.T) {
	for _, things := range []int{1, 7, 100, 10_000} {
		for _, n := range []int{1, 3, 50} {
			next := 0
			for i := range n {
				low, high := share(things, n, i)
				if low != next || high-low > things/n+1 || high-low < things/n {
					t.Fatalf("part %d of %d of %d: %d to %d, want from %d", i, n, things, low, high, next)
				}
				next = high
			}
			if next != things {
				t.Fatalf("%d of %d are dealt out", next, things)
			}
		}
	}
}

func TestAllocationsPerCommand(t *testing.T) {
	from := allocated{objects: 1000, commands: 100}
	if n := (allocated{objects: 1500, commands: 1100}).per(from); n == nil || *n != 0.5 {
		t.Errorf("500 objects in 1,000 commands: got %v, want 0.5", n)
	}
	for name, to := range map[string]allocated{
		"no command": {objects: 1500, commands: 100}, "not known": {objects: -1, commands: 1100},
	} {
		if n := to.per(from); n != nil {
			t.Errorf("%s: got %v, want none", name, *n)
		}
	}
}

// TestRoundIsWhatHasCountedUp has a server whose CPU time is not known: there is no cost.
func TestRoundIsWhatHasCountedUp(t *testing.T) {
	now := int64(1e9)
	r := &run{c: &Config{}, t: &target{}}
	shared := &progress{clock: func() int64 { return now }}
	from := r.mark(shared)
	shared.commands.Add(5000)
	now += 2e9
	round := r.since(from, shared)
	if round.Seconds != 2 || round.Commands != 5000 || round.PerSecond != 2500 {
		t.Errorf("5,000 commands in 2 s: got %+v", round)
	}
	if round.CPU != nil || round.ServerBusy != nil {
		t.Errorf("CPU time of no process: got %+v", round)
	}
}

func TestFiguresOfRoundsThatHaveThem(t *testing.T) {
	one, three := 1.0, 3.0
	c := &Cell{Rounds: []Round{{CPU: &three}, {}, {CPU: &one}}}
	if mid, low, high, ok := c.Of(CPU); mid != 2 || low != 1 || high != 3 || !ok {
		t.Errorf("got %v (%v to %v) %v, want 2 (1 to 3)", mid, low, high, ok)
	}
	if _, _, _, ok := c.Of(Allocs); ok {
		t.Error("a figure that no round has is known")
	}
}

// TestClientsCommandsAreEncodedWhole checks that the options of a run are in each command.
func TestClientsCommandsAreEncodedWhole(t *testing.T) {
	c := Config{Server: "x", TTL: 20e9, Tags: true, NameLen: 40, Conns: 1, Locks: 1}
	c.EnsureDefaults()
	s := newStreamMaker(&c, 2).make(0)
	want := "@0 ACQUIRE bench:" + strings.Repeat("0", 34) + " svc0 0 TTL 20000\n" +
		"@1 RELEASE bench:" + strings.Repeat("0", 34) + " svc0\n"
	if got := string(s.batch(0)); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if !slices.Equal(s.wants[0].exact, []byte("@0 OK\n@1 OK\n")) {
		t.Errorf("the answer is %q", s.wants[0].exact)
	}
}
