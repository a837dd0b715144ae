package table

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"dlm/codec"
	"dlm/internal/testflag"
)

// requester sends commands with REQ to a table.
type requester struct {
	t   *testing.T
	tab *Table
	now int64
	fx  Effects
}

func newRequester(t *testing.T, requests int) *requester {
	return &requester{t: t, now: 1e9, tab: New(Config{TTLMs: 30_000, LocksMax: 100_000, WaitersMax: 200_000, WaitersPerLockMax: 200_000, RequestsMax: requests})}
}

func (g *requester) command(verb codec.Verb, name, service, id string, waitMs uint32) (*Shard, uint64, *codec.Command) {
	cmd := &codec.Command{Verb: verb, Name: []byte(name), Service: []byte(service), WaitMs: waitMs}
	if id != "" {
		cmd.Opts, cmd.Req = codec.OptReq, []byte(id)
	}
	hash := g.tab.Hash(cmd.Name)
	return g.tab.Shard(hash), hash, cmd
}

// do executes a command as the engine does: it gathers credits when a limit refuses it.
func (g *requester) do(verb codec.Verb, name, service, id string, waitMs uint32) Result {
	s, hash, cmd := g.command(verb, name, service, id, waitMs)
	r := *s.Apply(g.now, hash, cmd, Origin{Conn: 1, Ticket: 1}, &g.fx)
	if r.Code == codec.Limit && g.tab.Gather(r.Which) {
		r = *s.Apply(g.now, hash, cmd, Origin{Conn: 1, Ticket: 1}, &g.fx)
	}
	return r
}

func (g *requester) acquire(name, service, id string) Result {
	return g.do(codec.VerbAcquire, name, service, id, 60_000)
}

func (g *requester) release(name, service, id string) Result {
	return g.do(codec.VerbRelease, name, service, id, 0)
}

func (g *requester) outcome(name, service, id string) string {
	s, hash, cmd := g.command(codec.VerbOutcome, name, service, id, 0)
	o := s.Outcome(g.now, hash, cmd, &g.fx)
	return o.State + o.Why
}

func (g *requester) want(what string, got, want any) {
	g.t.Helper()
	if got != want {
		g.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestRequestsOfOneHolder reaches the limit of records of one lock and service. The oldest ended
// one goes first, before it one that only answers OUTCOME; a request is refused if all wait or are
// held.
func TestRequestsOfOneHolder(t *testing.T) {
	g := newRequester(t, 1<<20)
	for i := range RequestsPerHolderMax {
		g.want("acquire", g.acquire("a", "s", fmt.Sprint(i)).Code, codec.OK)
	}
	r := g.acquire("a", "s", "more")
	g.want("one more", r.Code.String()+r.Which.String(), "LIMITretries")
	g.want("its hold", r.Hold, HoldRef{})
	g.want("a release with REQ", g.release("a", "s", "r").Which, codec.WhichRetries)
	g.want("another service", g.acquire("b", "s", "1").Code, codec.OK)

	// A count is given back, so there is one record more than counts: the oldest may go.
	g.want("release", g.release("a", "s", "").Count, uint32(RequestsPerHolderMax-1))
	g.want("one more", g.acquire("a", "s", "more").Count, uint32(RequestsPerHolderMax))
	g.want("the oldest", g.outcome("a", "s", "0"), "unknown")
	g.want("the second", g.outcome("a", "s", "1"), "granted")

	// The hold ends, and with it all of them.
	s, hash, cmd := g.command(codec.VerbForceRelease, "a", "", "", 0)
	s.Apply(g.now, hash, cmd, Origin{}, &g.fx)
	g.want("all of them", g.outcome("a", "s", "1")+g.outcome("a", "s", "more"), "endedforcedendedforced")
	for i := range RequestsPerHolderMax {
		g.now++
		g.want("acquire", g.acquire("a", "s", fmt.Sprintf("new%d", i)).Code, codec.OK)
	}
	g.want("the last of the old ones", g.outcome("a", "s", "more"), "unknown")
	g.want("the first of the new ones", g.outcome("a", "s", "new0"), "granted")
}

// TestTimeOutIsForgottenFirst, because its repeat is a new request anyway.
func TestTimeOutIsForgottenFirst(t *testing.T) {
	g := newRequester(t, 1<<20)
	g.acquire("a", "holder", "")
	for i := range RequestsPerHolderMax - 2 {
		g.acquire("a", "s", fmt.Sprint(i))
	}
	s, hash, cmd := g.command(codec.VerbCancel, "a", "s", "ahead", 0)
	g.want("cancel", s.CancelRequest(g.now, hash, cmd, &g.fx).Was, WasUnknown)
	g.do(codec.VerbAcquire, "a", "s", "soon", 1)
	g.now += 1e9
	for s.Advance(g.now, 100, &g.fx) {
	}
	g.want("the time-out", g.outcome("a", "s", "soon"), "endedtimeout")
	g.want("one more", g.acquire("a", "s", "more").Waiting, true)
	g.want("the time-out", g.outcome("a", "s", "soon"), "unknown")
	g.want("one more", g.acquire("a", "s", "even more").Waiting, true)
	g.want("the refused one", g.outcome("a", "s", "ahead"), "unknown")
	g.want("one more", g.acquire("a", "s", "too many").Which, codec.WhichRetries)
}

// TestRequestsInAll reaches the limit of records in all, whichever shards have unused credits or
// ended records. A request is refused only if all of them wait or are held.
func TestRequestsInAll(t *testing.T) {
	const limit = 40_000
	g := newRequester(t, limit)
	for i := range limit {
		if r := g.acquire(fmt.Sprint("lock-", i), "s", "1"); r.Code != codec.OK {
			t.Fatalf("request %d: %v %v", i, r.Code, r.Which)
		}
	}
	g.want("records", g.tab.Totals().Requests, limit)
	g.want("one more", g.acquire("more", "s", "1").Which, codec.WhichRetries)
	g.want("without REQ", g.acquire("more", "s", "").Code, codec.OK)
	for i := range 1000 { // they end in other shards than the new ones begin
		g.release(fmt.Sprint("lock-", i), "s", "")
		if r := g.acquire(fmt.Sprint("new-", i), "s", "1"); r.Code != codec.OK {
			t.Fatalf("new request %d: %v %v", i, r.Code, r.Which)
		}
		if n := g.tab.Totals().Requests; n > limit {
			t.Fatalf("%d records, the limit is %d", n, limit)
		}
	}
	g.want("one more", g.acquire("more", "t", "1").Which, codec.WhichRetries)
}

// TestEndedRequestsOfShard ends many requests of one shard. The oldest are forgotten beyond a 256th
// of the limit.
func TestEndedRequestsOfShard(t *testing.T) {
	g := newRequester(t, 256*100)
	names := namesIn(g.tab, 77, 300)
	for _, name := range names {
		g.now++
		g.acquire(name, "s", "1")
		g.release(name, "s", "")
	}
	for i, name := range names {
		want := "endedreleased"
		if i < 200 {
			want = "unknown"
		}
		g.want(fmt.Sprint("request ", i), g.outcome(name, "s", "1"), want)
	}
	g.now += RequestKeptNs
	for g.tab.ShardAt(77).Advance(g.now, 1000, &g.fx) {
	}
	g.want("after the time", g.tab.Totals().Requests, 0)
}

func namesIn(tab *Table, shard, n int) (names []string) {
	for i := 0; len(names) < n; i++ {
		if name := fmt.Sprint("lock-", i); int(tab.Hash([]byte(name))>>56) == shard {
			names = append(names, name)
		}
	}
	return names
}

// TestMemoryOfRequests fills the memory. New requests are refused, others are served, and RELEASE
// with REQ always is.
func TestMemoryOfRequests(t *testing.T) {
	g := newRequester(t, 1<<20)
	names := namesIn(g.tab, 77, 200)
	g.acquire(names[0], "s", "1")
	g.tab.SetMemoryLeft(0)
	refused := 0
	for _, name := range names[1:] {
		if r := g.acquire(name, "s", "1"); r.Which == codec.WhichMemory {
			refused++
		}
	}
	g.want("a repeat", g.acquire(names[0], "s", "1").Code, codec.OK)
	g.want("a release", g.release(names[0], "s", "r").Code, codec.OK)
	if refused < 100 {
		t.Errorf("%d are refused", refused)
	}
}

// TestMemoryOfRequestsComesBack ends a great many requests. Their chunks are given back.
func TestMemoryOfRequestsComesBack(t *testing.T) {
	g := newRequester(t, 1<<20)
	names := namesIn(g.tab, 77, 3000)
	for _, name := range names {
		g.acquire(name, "s", "1")
	}
	s := g.tab.ShardAt(77)
	full := s.bytes()
	for _, name := range names {
		cmd := codec.Command{Verb: codec.VerbForceRelease, Name: []byte(name)}
		s.Apply(g.now, g.tab.Hash(cmd.Name), &cmd, Origin{}, &g.fx)
	}
	g.now += RequestKeptNs + 2e9
	for s.Advance(g.now, 1000, &g.fx) {
	}
	for range 3 * trimLooksMax {
		budget := 1 << 20
		s.Trim(&budget)
	}
	if s.requests.live != 0 || s.bytes() > full/10 {
		t.Errorf("%d requests and %d of %d bytes are left", s.requests.live, s.bytes(), full)
	}
}

// TestRollingCut breaks the connections of the waiters of one lock, which come back in random order
// while the lock is released, and some grants can't be delivered. Each is granted once. A waiter is
// passed over only while it is away.
func TestRollingCut(t *testing.T) {
	seed := testflag.Seed(t)
	for i := range uint64(5) {
		cut := &rollingCut{g: newRequester(t, 1<<20), rng: rand.New(rand.NewPCG(seed, i)), refs: map[int]WaiterRef{}, away: map[int]bool{}}
		cut.run(t, 1000)
	}
}

// rollingCut is the waiters s0, s1, ... of the lock a.
type rollingCut struct {
	g       *requester
	rng     *rand.Rand
	refs    map[int]WaiterRef // those that wait with a connection
	away    map[int]bool      // those without
	granted []int
	holder  string
}

func (c *rollingCut) run(t *testing.T, n int) {
	g := c.g
	c.holder = "holder"
	g.acquire("a", c.holder, "")
	for i := range n {
		c.refs[i] = c.acquire(i).Waiter
	}
	for len(c.granted) < n {
		g.now += 1e6
		for i := range c.refs { // some connections break
			if c.rng.IntN(50) == 0 {
				g.want("lose", g.tab.ShardAt(int(c.refs[i].Shard)).Lose(g.now, c.refs[i], 60e9, &g.fx), true)
				delete(c.refs, i)
				c.away[i] = true
			}
		}
		for i := range c.away { // others come back
			if c.rng.IntN(20) == 0 {
				c.back(t, i)
			}
		}
		g.fx.List = g.fx.List[:0]
		if r := g.release("a", c.holder, ""); r.Code == codec.OK {
			c.deliver(t)
		} else if len(c.refs) > 0 {
			t.Fatalf("the lock is free and %d wait", len(c.refs))
		}
	}
	slices.Sort(c.granted)
	for i, x := range c.granted {
		if i != x {
			t.Fatalf("waiter %d was granted twice or never", i)
		}
	}
	g.want("what is left", g.tab.Totals().Waiters, 0)
}

func (c *rollingCut) acquire(i int) Result {
	s, hash, cmd := c.g.command(codec.VerbAcquire, "a", fmt.Sprint("s", i), "1", 60_000_000)
	return *s.Apply(c.g.now, hash, cmd, Origin{Conn: 1, Ticket: uint32(i)}, &c.g.fx)
}

// back lets waiter i come back.
func (c *rollingCut) back(t *testing.T, i int) {
	delete(c.away, i)
	switch r := c.acquire(i); {
	case r.Waiting:
		c.refs[i] = r.Waiter
	case r.Code == codec.OK && len(c.refs) == 0:
		c.granted, c.holder = append(c.granted, i), fmt.Sprint("s", i)
	default:
		t.Fatalf("waiter %d comes back, %d wait: %v", i, len(c.refs), r.Code)
	}
}

// deliver looks at the grant of a release, and at those that follow because it can't be delivered.
func (c *rollingCut) deliver(t *testing.T) {
	for k := 0; k < len(c.g.fx.List); k++ {
		e := c.g.fx.List[k]
		i := int(e.To.Ticket)
		if _, waits := c.refs[i]; e.Code != codec.OK || !waits {
			t.Fatalf("effect %+v for waiter %d", e, i)
		}
		for j := range c.refs {
			if j < i {
				t.Fatalf("%d is granted, and %d waits since before", i, j)
			}
		}
		delete(c.refs, i)
		if c.rng.IntN(4) == 0 { // its connection is gone
			c.away[i] = true
			c.g.tab.ShardAt(int(e.Hold.Shard)).TakeBack(c.g.now, e.Hold, 60e9, &c.g.fx)
			continue
		}
		c.granted, c.holder = append(c.granted, i), fmt.Sprint("s", i)
	}
}
