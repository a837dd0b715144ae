package engine

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dlm/internal/testflag"
	"dlm/table"
)

// soakTime is how long the tests under load run: DLM_STRESS, or short.
func soakTime(t *testing.T, short time.Duration) (d time.Duration, long bool) {
	text := os.Getenv("DLM_STRESS")
	if text == "" {
		return short, false
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d, true
}

// serve runs a real server in this process until the test ends, and then
// checks that no goroutine is left.
func serve(t *testing.T, change func(*Config)) *Engine {
	t.Helper()
	before := runtime.NumGoroutine()
	cfg := Config{Listen: "127.0.0.1:0", Loops: 2, Log: slog.New(slog.DiscardHandler)}
	change(&cfg)
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		eventually(t, "goroutines are left", func() bool { return runtime.NumGoroutine() <= before })
	})
	return e
}

// eventually polls a condition that must come true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(testflag.Patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("%s", what)
			return
		}
	}
}

// span is a time in which an owner certainly held a lock: from the answer to its ACQUIRE until it
// sent RELEASE, or until the end of the lease that it could count on.
type span struct {
	lock, owner string
	token       uint64
	from, to    time.Time
}

// checkSpans finds holds of one lock that overlap, and tokens that fall or repeat.
func checkSpans(t testing.TB, spans []span) {
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.lock, b.lock), cmp.Compare(a.token, b.token))
	})
	for i := 1; i < len(spans); i++ {
		a, b := spans[i-1], spans[i]
		switch {
		case a.lock != b.lock:
		case a.token == b.token:
			t.Errorf("%s: token %d was given twice, to %s and %s", a.lock, a.token, a.owner, b.owner)
		case b.from.Before(a.to):
			t.Errorf("%s: %s (token %d) and %s (token %d) held it together for %v", a.lock, a.owner, a.token, b.owner, b.token, a.to.Sub(b.from))
		}
	}
}

func TestSpanCheckFindsViolations(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	for name, c := range map[string]struct {
		b   span
		bad bool
	}{
		"one after the other": {span{"x", "b", 2, at(10), at(20)}, false},
		"together":            {span{"x", "b", 2, at(9), at(20)}, true},
		"the same token":      {span{"x", "b", 1, at(10), at(20)}, true},
		"a token that falls":  {span{"x", "b", 0, at(10), at(20)}, true},
		"another lock":        {span{"y", "b", 1, at(0), at(20)}, false},
	} {
		probe := &probeTB{TB: t}
		checkSpans(probe, []span{{"x", "a", 1, at(0), at(10)}, c.b})
		if probe.failed != c.bad {
			t.Errorf("%s: violation found: %v", name, probe.failed)
		}
	}
}

const soakTTL = 300 * time.Millisecond

// soakKinds are the events that the contention test has to meet.
var soakKinds = []table.EventKind{table.EventTimeOut, table.EventCancel, table.EventExpire, table.EventReenter, table.EventRenew}

// contender is one client of the contention test.
type contender struct {
	addr  string
	rng   *rand.Rand
	name  string
	life  int
	conn  net.Conn
	in    *bufio.Reader
	spans []span
	err   error
}

// TestManyContendersForFewLocks: random holds, time-outs, disconnects while
// waiting, and holders that vanish.
func TestManyContendersForFewLocks(t *testing.T) {
	d, long := soakTime(t, 2*time.Second)
	n := 200
	if long {
		n = 1000
	}
	order := newOrderCheck(t)
	order.ttl = soakTTL
	e := serve(t, func(c *Config) { c.Tap = order.event; c.Lease = soakTTL })
	end := time.Now().Add(d)
	more := func() bool { // a slow machine takes longer to meet each event
		late := time.Since(end)
		return late < 0 || late < testflag.Patience && len(order.missing(soakKinds)) > 0
	}
	var wg sync.WaitGroup
	all := make([]contender, n)
	for i := range all {
		all[i] = contender{addr: e.Addr().String(), rng: rand.New(rand.NewPCG(uint64(i), 7)), name: fmt.Sprintf("c%d", i)}
		wg.Go(func() { all[i].run(more) })
	}
	wg.Wait()
	var spans []span
	for i := range all {
		if all[i].err != nil {
			t.Fatalf("%s: %v", all[i].name, all[i].err)
		}
		spans = append(spans, all[i].spans...)
	}
	checkSpans(t, spans)
	eventually(t, "locks, waiters or connections are left", func() bool {
		sum := e.tab().Totals()
		return sum.Held == 0 && sum.Waiters == 0 && e.conns.Load() == 0 && e.buffers.total.Load() == 0
	})
	for _, kind := range order.missing(soakKinds) {
		t.Errorf("no event of kind %d: the run was too tame", kind)
	}
	t.Logf("%d connections, %d holds, events by kind %v", n, len(spans), order.seen)
}

func (c *contender) run(more func() bool) {
	for c.err == nil && more() {
		if c.conn == nil {
			c.dial()
			continue
		}
		c.turn()
	}
	if c.conn != nil {
		c.conn.Close()
	}
}

// dial begins a new life under a new service id.
func (c *contender) dial() {
	c.life++
	if c.conn, c.err = net.Dial("tcp", c.addr); c.err != nil {
		return
	}
	c.in = bufio.NewReader(c.conn)
	if c.ask("DETAIL ON") != "OK" {
		c.err = fmt.Errorf("DETAIL ON refused: %v", c.err)
	}
}

func (c *contender) send(line string) {
	if _, err := c.conn.Write([]byte(line + "\n")); err != nil && c.err == nil {
		c.err = err
	}
}

func (c *contender) ask(line string) string {
	c.send(line)
	answer, err := c.in.ReadString('\n')
	if err != nil && c.err == nil {
		c.err = fmt.Errorf("%s: %w", line, err)
	}
	return strings.TrimSpace(answer)
}

func (c *contender) vanish() {
	c.conn.Close()
	c.conn = nil
}

// think is the time for which a client holds a lock or hesitates.
func (c *contender) think() { time.Sleep(time.Duration(c.rng.IntN(3000)) * time.Microsecond) }

// turn tries to take one lock, and uses it.
func (c *contender) turn() {
	lock := fmt.Sprintf("soak-%d", c.rng.IntN(10))
	owner := fmt.Sprintf("%s-%d", c.name, c.life)
	wait := []int{0, 1, 20, 500, 2000}[c.rng.IntN(5)]
	acquire := fmt.Sprintf("ACQUIRE %s %s %d", lock, owner, wait)
	if c.rng.IntN(20) == 0 { // gives up in the middle
		c.send(acquire)
		c.think()
		c.vanish()
		return
	}
	sent := time.Now()
	answer := c.ask(acquire)
	if c.err != nil || strings.HasPrefix(answer, "ERROR TIMEOUT") {
		return
	}
	s := span{lock: lock, owner: owner, from: time.Now()}
	if _, err := fmt.Sscanf(answer, "OK token=%d", &s.token); err != nil {
		c.err = fmt.Errorf("%s: %q", acquire, answer)
		return
	}
	c.use(&s, acquire, sent)
	c.spans = append(c.spans, s)
}

// use holds the lock for a while: re-enters, renews, releases or vanishes.
func (c *contender) use(s *span, acquire string, renewed time.Time) {
	count := 1
	again := func(line string) {
		sent := time.Now()
		var token uint64
		if answer := c.ask(line); c.err != nil {
			return
		} else if _, err := fmt.Sscanf(answer, "OK token=%d", &token); err != nil || token != s.token {
			// Only a lease that was over explains it.
			if time.Since(renewed) < soakTTL {
				c.err = fmt.Errorf("%s: %q within the lease of token %d", line, answer, s.token)
			}
			return
		}
		renewed = sent
	}
	c.think()
	if c.rng.IntN(4) == 0 {
		again(acquire)
		count++
	}
	if c.rng.IntN(4) == 0 {
		c.think()
		again(fmt.Sprintf("HEARTBEAT %s %s TOKEN %d", s.lock, s.owner, s.token))
	}
	s.to = renewed.Add(soakTTL)
	if c.err != nil {
		return
	}
	if c.rng.IntN(50) == 0 {
		c.vanish()
		return
	}
	if now := time.Now(); now.Before(s.to) {
		s.to = now
	}
	for range count {
		c.ask(fmt.Sprintf("RELEASE %s %s TOKEN %d", s.lock, s.owner, s.token))
	}
}
