package table

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"dlm/codec"
	"dlm/internal/testflag"
)

// onRecord returns what the services that begin with a prefix hold and wait for, by looking at all
// records.
func onRecord(t *Table, prefix string) (holds, waits int64) {
	for i := range t.shards {
		s := &t.shards[i]
		for j := range s.locks.len() {
			if l := s.locks.record(j); l != nil && l.nameLen > 0 && l.serviceLen > 0 && strings.HasPrefix(string(s.service(l)), prefix) {
				holds++
			}
		}
		for j := range s.groups.records() {
			if h := s.groups.holders.inUse(j); h != nil && strings.HasPrefix(string(s.holderService(h)), prefix) {
				holds++
			}
		}
		for j := range s.waiters.len() {
			if w := s.waiters.inUse(j); w != nil && strings.HasPrefix(string(s.waiterService(w)), prefix) {
				waits++
			}
		}
	}
	return holds, waits
}

// quotaWorld is a table with quotas, and what a random run needs to act on it.
type quotaWorld struct {
	t       *testing.T
	r       *rand.Rand
	tab     *Table
	quotas  []Quota
	now     int64
	fx      Effects
	waits   []WaiterRef
	grants  []HoldRef
	asked   [20]codec.Command // with REQ
	refused map[codec.Which]int
}

var quotaConfig = Config{TTLMs: 1000, LocksMax: 1000, WaitersMax: 1000, WaitersPerLockMax: 100, RequestsMax: 1 << 20}

// command executes one random command.
func (w *quotaWorld) command(verb codec.Verb) {
	services := []string{"a-1", "a-2" + strings.Repeat("x", 70), "b-1", "c-1", "d-1", "a"}
	cmd := codec.Command{Verb: verb, Name: fmt.Appendf(nil, "lock%d", w.r.IntN(12)), Service: []byte(services[w.r.IntN(len(services))]),
		WaitMs: uint32(w.r.IntN(3) * 400), Opts: codec.OptCounted}
	if verb == codec.VerbAcquire {
		cmd.Opts |= []codec.Opts{0, codec.OptShared, codec.OptPermits}[w.r.IntN(3)]
		cmd.Permits = 3
	}
	if (verb == codec.VerbAcquire || verb == codec.VerbRelease) && w.r.IntN(2) == 0 {
		cmd.Opts |= codec.OptReq
		cmd.Req = fmt.Append(nil, w.r.IntN(4))
		w.asked[w.r.IntN(len(w.asked))] = cmd
	}
	w.send(cmd)
}

// again repeats a request of before, or cancels it.
func (w *quotaWorld) again() {
	cmd := w.asked[w.r.IntN(len(w.asked))]
	if cmd.Verb == codec.VerbAcquire && w.r.IntN(2) == 0 {
		hash := w.tab.Hash(cmd.Name)
		cmd.Verb, cmd.Opts = codec.VerbCancel, codec.OptReq
		w.tab.Shard(hash).CancelRequest(w.now, hash, &cmd, &w.fx)
	} else if cmd.Verb != codec.VerbNone {
		cmd.WaitMs = uint32(w.r.IntN(3) * 400)
		w.send(cmd)
	}
}

func (w *quotaWorld) send(cmd codec.Command) {
	hash := w.tab.Hash(cmd.Name)
	s := w.tab.Shard(hash)
	res := s.Apply(w.now, hash, &cmd, Origin{Conn: 1}, &w.fx)
	switch {
	case res.Waiting:
		w.waits = append(w.waits, res.Waiter)
	case res.Fresh:
		w.grants = append(w.grants, res.Hold)
	case res.Code == codec.Limit:
		w.refused[res.Which]++
	}
	if w.tab.tenancies[s.number].taken != nil {
		w.t.Fatal("a place is taken and not used")
	}
}

// step does something random.
func (w *quotaWorld) step() {
	switch n := w.r.IntN(100); {
	case n < 45:
		w.command(codec.VerbAcquire)
	case n < 55:
		w.again()
	case n < 80:
		w.command(codec.VerbRelease)
	case n < 82:
		w.command(codec.VerbForceRelease)
	case n < 83:
		w.command(codec.VerbUpgrade)
	case n < 84:
		w.command(codec.VerbDowngrade)
	case n < 88 && len(w.waits) > 0:
		ref := w.waits[w.r.IntN(len(w.waits))]
		w.tab.ShardAt(int(ref.Shard)).Lose(w.now, ref, int64(w.r.IntN(3)*300)*nsPerMs, &w.fx)
	case n < 92 && len(w.grants) > 0:
		hold := w.grants[len(w.grants)-1-w.r.IntN(min(len(w.grants), 5))]
		w.tab.ShardAt(int(hold.Shard)).TakeBack(w.now, hold, int64(w.r.IntN(3)*300)*nsPerMs, &w.fx)
	case n < 99:
		w.now += int64(w.r.IntN(600)) * nsPerMs
		for i := range w.tab.shards {
			w.tab.shards[i].Advance(w.now, 1000, &w.fx)
		}
	case w.r.IntN(4) == 0:
		w.restart()
	default:
		w.quotas[0].LocksMax = 2 + w.r.IntN(4)
		w.quotas[1].Services = []string{"b-", "c-"}[:1+w.r.IntN(2)]
		w.tab.SetQuotas(w.quotas)
	}
	for _, e := range w.fx.List {
		if e.Code == codec.OK {
			w.grants = append(w.grants, e.Hold)
		} else if e.Code == codec.Limit {
			w.refused[e.Which]++
		}
	}
	w.fx.List = w.fx.List[:0]
}

// restart moves the holds into a new table by an image.
func (w *quotaWorld) restart() {
	c := quotaConfig
	for i := range w.tab.shards {
		c.TokenStart = max(c.TokenStart, w.tab.shards[i].counter)
	}
	next := New(c)
	for i := range w.tab.shards {
		var img codec.ShardImage
		var at ExportCursor
		w.tab.shards[i].Export(&at, 1<<20, false, &img)
		if err := next.shards[i].Import(&img, Recovery{ImageTime: w.now, Now: w.now}); err != nil {
			w.t.Fatal(err)
		}
	}
	w.tab, w.waits, w.grants = next, nil, nil
	w.tab.SetQuotas(w.quotas)
}

// check compares the counts of each quota with the records.
func (w *quotaWorld) check() {
	for _, q := range w.quotas {
		var holds, waits int64
		for _, p := range q.Services {
			h, n := onRecord(w.tab, p)
			holds, waits = holds+h, waits+n
		}
		if gotHolds, gotWaits := w.tab.QuotaUse(q.Services[0] + "1"); gotHolds != holds || gotWaits != waits {
			w.t.Fatalf("%v are counted as %d holds and %d waits, and have %d and %d", q.Services, gotHolds, gotWaits, holds, waits)
		}
	}
}

// TestCountsOfQuotasAreExact runs random commands, losses, expiries, forced releases, restarts and
// changes of quotas, and compares the counts with the records after each.
func TestCountsOfQuotasAreExact(t *testing.T) {
	for seed := range testflag.Random(t, 3) {
		w := &quotaWorld{t: t, r: rand.New(rand.NewPCG(seed, 1)), tab: New(quotaConfig), now: 1, refused: map[codec.Which]int{},
			quotas: []Quota{{Services: []string{"a-"}, LocksMax: 4, WaitersMax: 3}, {Services: []string{"b-", "c-"}, LocksMax: 2, WaitersMax: 5}}}
		w.tab.SetQuotas(w.quotas)
		for range 5000 {
			w.step()
			w.check()
		}
		if n := w.refused[codec.WhichQuota]; n < 100 || len(w.refused) != 1 {
			t.Errorf("refused: %v", w.refused)
		}
	}
}

// TestQuotaIsNeverExceeded takes locks up to the quota, and waits that are granted at it.
func TestQuotaIsNeverExceeded(t *testing.T) {
	tab := New(Config{TTLMs: 1000, LocksMax: 100, WaitersMax: 100, WaitersPerLockMax: 100})
	tab.SetQuotas([]Quota{{Services: []string{"a-"}, LocksMax: 2, WaitersMax: 1}})
	var fx Effects
	do := func(verb codec.Verb, name, service string, waitMs uint32) *Result {
		cmd := codec.Command{Verb: verb, Name: []byte(name), Service: []byte(service), WaitMs: waitMs, Opts: codec.OptCounted}
		hash := tab.Hash(cmd.Name)
		return tab.Shard(hash).Apply(5, hash, &cmd, Origin{}, &fx)
	}
	do(codec.VerbAcquire, "w", "other", 0)
	if r := do(codec.VerbAcquire, "w", "a-1", 500); !r.Waiting {
		t.Fatalf("%+v", *r)
	}
	if r := do(codec.VerbAcquire, "w", "a-2", 500); r.Code != codec.Limit || r.Which != codec.WhichQuota {
		t.Errorf("a second wait: %+v", *r)
	}
	do(codec.VerbAcquire, "w", "other-2", 500)
	for i, want := range []codec.Code{codec.OK, codec.OK, codec.Limit} {
		if r := do(codec.VerbAcquire, fmt.Sprint("l", i), "a-1", 0); r.Code != want {
			t.Errorf("lock %d: %+v", i, *r)
		}
	}
	if r := do(codec.VerbAcquire, "l0", "a-1", 0); r.Code != codec.OK || r.Count != 2 {
		t.Errorf("a re-entry: %+v", *r)
	}
	do(codec.VerbRelease, "w", "other", 0)
	if len(fx.List) != 2 || fx.List[0].Code != codec.Limit || fx.List[0].Which != codec.WhichQuota || fx.List[1].Code != codec.OK {
		t.Errorf("at its turn: %+v", fx.List)
	}
	do(codec.VerbRelease, "l1", "a-1", 0)
	if r := do(codec.VerbAcquire, "l2", "a-9", 0); r.Code != codec.OK {
		t.Errorf("after a release: %+v", *r)
	}
}

func TestTenantOfService(t *testing.T) {
	ts, _ := newTenants([]Quota{{Services: []string{"b", "ba", "x/"}}, {Services: []string{"a", "c-"}}}, nil)
	for service, want := range map[string]int{"a": 1, "abc": 1, "b": 0, "bab": 0, "bz": 0, "c": -1, "c-": 1, "c.": -1, "d": -1, "": -1, "x": -1, "x/y": 0, "\xff": -1} {
		got := ts.find([]byte(service))
		if want < 0 != (got == nil) || got != nil && got != ts.find([]byte([]string{"b", "a"}[want])) {
			t.Errorf("%q: %p", service, got)
		}
	}
	long := []byte("x/" + strings.Repeat("y", 100))
	if n := testing.AllocsPerRun(100, func() { ts.find(long) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
