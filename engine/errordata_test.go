package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestLimitSaysWhich reaches each limit and wants its word after the code, in both forms.
func TestLimitSaysWhich(t *testing.T) {
	for _, c := range []struct {
		which  string
		change func(*Config)
		before []string // lines that use up the limit
		line   string   // the command that is one too many
	}{
		{"locks", func(c *Config) { c.LocksMax = 1 }, []string{"ACQUIRE x A 0"}, "ACQUIRE y A 0"},
		{"waiters", func(c *Config) { c.WaitersMax = 1 }, []string{"ACQUIRE x A 0", "ACQUIRE y A 0", "@1 ACQUIRE x B 60000"}, "ACQUIRE y B 60000"},
		{"lock-waiters", func(c *Config) { c.WaitersPerLockMax = 1 }, []string{"ACQUIRE x A 0", "@1 ACQUIRE x B 60000"}, "ACQUIRE x C 60000"},
		{"lock-waiters", nil, []string{"ACQUIRE x A 0", "@1 ACQUIRE x B 60000"}, "ACQUIRE x C 60000 QUEUE 1"},
	} {
		s := newSim(t, c.change)
		a := s.dial(0)
		for _, line := range c.before {
			a.send(line + "\n")
		}
		a.reads()
		for _, tag := range []string{"", "@t "} {
			a.send(tag + c.line + "\n")
			a.expectPrefix(tag + "ERROR LIMIT " + c.which + " ")
		}
		words := strings.Fields(c.line)
		frame := fmt.Sprintf("*%d\r\n", len(words))
		for _, w := range words {
			frame += fmt.Sprintf("$%d\r\n%s\r\n", len(w), w)
		}
		a.send(frame)
		a.expectPrefix("-LIMIT " + c.which + " ")
	}
}

// TestTimeoutSaysWhoHoldsTheLock has requests that do not wait, and one that waits without success.
func TestTimeoutSaysWhoHoldsTheLock(t *testing.T) {
	const words = " not granted within the wait timeout"
	for _, loop := range []int{0, 1} {
		s := newSim(t, nil)
		a, b := s.dial(0), s.dial(loop)
		a.do(`ACQUIRE x "billing \"7\"\x00" 0`, "OK")
		b.do("ACQUIRE x B 0", `ERROR TIMEOUT "billing \"7\"\x00" 0`+words)
		s.advance(1886 * time.Millisecond)
		b.do("@t ACQUIRE x B 0", `@t ERROR TIMEOUT "billing \"7\"\x00" 1886`+words)
		b.send("*4\r\n$7\r\nACQUIRE\r\n$1\r\nx\r\n$1\r\nB\r\n$1\r\n0\r\n")
		b.expect(`-TIMEOUT "billing \"7\"\x00" 1886` + words + "\r\n")
		b.send("@u ACQUIRE x B 1000\nACQUIRE x B 500\n")
		s.advance(500 * time.Millisecond)
		b.expect(`ERROR TIMEOUT "billing \"7\"\x00" 2386` + words + "\n")
		a.do(`RELEASE x "billing \"7\"\x00" ALL`, "OK")
		b.expect("@u OK\n")
	}
}

// TestTimeoutNamesTheHolderOfNow has a holder that changes during the wait, and one that is gone
// before the answer reaches the loop of the waiter.
func TestTimeoutNamesTheHolderOfNow(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	a.do("ACQUIRE x A 0", "OK")
	a.send("ACQUIRE x C 60000\n")
	b.send("ACQUIRE x B 1000\n")
	s.advance(700 * time.Millisecond)
	s.dial(0).do("RELEASE x A", "OK")
	a.expect("OK\n")
	s.advance(300 * time.Millisecond)
	b.expect("ERROR TIMEOUT \"C\" 300 not granted within the wait timeout\n")
	b.send("ACQUIRE x B 1000\n")
	s.hold = true
	s.advance(time.Second)
	a.do("RELEASE x C", "OK")
	a.do("ACQUIRE x D 0", "OK")
	s.deliver()
	b.expect("ERROR TIMEOUT \"\" 0 not granted within the wait timeout\n")
}

// TestAMassOfTimeoutsNamesTheHolder ends 20,000 waits in one tick.
func TestAMassOfTimeoutsNamesTheHolder(t *testing.T) {
	s := newSim(t, nil)
	s.dial(0).do("ACQUIRE x A 0", "OK")
	var crowd []*client
	for range 4 {
		k := s.dial(1)
		for i := range 5000 {
			k.send(fmt.Sprintf("@%d ACQUIRE x B 1000\n", i))
		}
		crowd = append(crowd, k)
	}
	s.advance(time.Second)
	for _, k := range crowd {
		if n := strings.Count(k.reads(), " ERROR TIMEOUT \"A\" 1000 "); n != 5000 {
			t.Fatalf("%d of 5000 time-outs name the holder", n)
		}
	}
}

// TestRecoveringSaysHowLong checks the rest of the grace, for requests that do not wait and for
// waits that end.
func TestRecoveringSaysHowLong(t *testing.T) {
	dir := t.TempDir()
	s := mustStart(t, dir, nil)
	s.want("ACQUIRE a svc 0", "OK")
	s.crash()
	s = mustStart(t, dir, nil)
	s.want("ACQUIRE b svc 0", "ERROR RECOVERING 20000 ")
	s.advance(1500 * time.Millisecond)
	s.want("HEARTBEAT b svc", "ERROR RECOVERING 18500 ")
	k := s.dial(0)
	k.send("ACQUIRE b svc 500\n")
	s.advance(500 * time.Millisecond)
	k.expectPrefix("ERROR RECOVERING 18000 ")
	s.crash()
}

// TestLimitsAreReachedAndNotPassed takes locks on both loops up to a limit at which shards take
// credits in blocks.
func TestLimitsAreReachedAndNotPassed(t *testing.T) {
	const limit = 40_000
	s := newSim(t, func(c *Config) { c.LocksMax, c.WaitersMax = limit, limit })
	a, b := s.dial(0), s.dial(1)
	acquireMany(t, a, "a:", limit/2)
	acquireMany(t, b, "b:", limit/2)
	a.send("ACQUIRE one-more A 0\n")
	a.expectPrefix("ERROR LIMIT locks ")
	a.do("RELEASE a:7 A", "OK")
	b.do("ACQUIRE b:more A 0", "OK")
	b.send("ACQUIRE one-more A 0\n")
	b.expectPrefix("ERROR LIMIT locks ")
	if held := s.e.tab().Totals().Held; held != limit {
		t.Fatalf("%d held, want %d", held, limit)
	}
	for i := range 4 {
		k := s.dial(i % 2)
		for j := range limit / 4 {
			k.send(fmt.Sprintf("@%d ACQUIRE a:%d B 60000\n", j, 100+j%10_000))
		}
		k.expect("")
	}
	a.send("ACQUIRE a:1 B 60000\n")
	a.expectPrefix("ERROR LIMIT waiters ")
	if n := s.e.tab().Totals().Waiters; n != limit {
		t.Fatalf("%d wait, want %d", n, limit)
	}
}
