package bench

import (
	"os"
	"runtime"
	"testing"
)

func TestFormats(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{FormatCount(0), "0.00"}, {FormatCount(999), "999"}, {FormatCount(1234), "1.23k"},
		{FormatCount(12_345_678), "12.3M"}, {FormatCount(2e9), "2.00G"},
		{FormatNs(150), "150ns"}, {FormatNs(1500), "1.50µs"}, {FormatNs(2.5e6), "2.50ms"},
		{FormatNs(3e9), "3.00s"}, {FormatNs(4e12), "4000s"}, {Digits2(0.126), "0.13"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
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

// TestRoundIsWhatHasCountedUp has a generator whose polling was more than its work, and a server
// whose CPU time is known at both ends, or at one.
func TestRoundIsWhatHasCountedUp(t *testing.T) {
	from := moment{ns: 1e9, commands: 7, server: 3e9, client: 5e8, serverKnown: true}
	to := moment{ns: 3e9, commands: 5007, server: 4e9, client: 10e8, serverKnown: true}
	r := between(from, to)
	if r.Seconds != 2 || r.Commands != 5000 || r.PerSecond != 2500 || r.ClientBusy != 0.25 {
		t.Errorf("5,000 commands in 2 s: got %+v", r)
	}
	if r.CPU == nil || *r.CPU != 200_000 || *r.ServerBusy != 0.5 {
		t.Errorf("1 s of CPU time for 5,000 commands in 2 s: got %v, %v", r.CPU, r.ServerBusy)
	}
	to.client = from.client - 1
	if r := between(from, to); r.ClientBusy != 0 {
		t.Errorf("the generator is %v busy", r.ClientBusy)
	}
	idle := to
	idle.commands = from.commands
	for name, r := range map[string]Round{
		"no command": between(from, idle), "not known": between(from, moment{ns: 2e9, commands: 9}),
		"not known at first": between(moment{}, to),
	} {
		if r.CPU != nil || r.ServerBusy != nil {
			t.Errorf("%s: got %+v", name, r)
		}
	}
}

func TestCPUOfProcess(t *testing.T) {
	before, ok := CPUOf(os.Getpid())
	if !ok && runtime.GOOS != "linux" {
		t.Skip("only Linux has /proc/PID/task/TID/schedstat")
	} else if !ok {
		t.Fatal("the CPU time of this process is not known")
	}
	for sum := before; sum <= before; {
		if sum, ok = CPUOf(os.Getpid()); !ok {
			t.Fatal("the CPU time is not known any more")
		}
	}
	for _, pid := range []int{0, -1, 1 << 30} {
		if ns, ok := CPUOf(pid); ok {
			t.Errorf("process %d has used %d ns", pid, ns)
		}
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
