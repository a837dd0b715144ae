package observe

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"dlm/codec"
)

// slowModel is what a slow observer knows: each lock with its holder and its queue.
type slowModel struct {
	locks map[string]*slowLock
}

type slowLock struct {
	name, owner string
	since       int64
	queue       []slowWait
}

type slowWait struct {
	service string
	since   int64
}

// TestViewsEqualANaiveModel runs random commands beside a model, and compares every answer when the
// server is quiet.
func TestViewsEqualANaiveModel(t *testing.T) {
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 9))
		c, m := newCrowd(0, 0), slowModel{locks: map[string]*slowLock{}}
		for range 4000 {
			c.now += rng.Int64N(50) * nsPerMs
			name := fmt.Sprintf("s%d/n-%d", rng.IntN(7), rng.IntN(60))
			service := fmt.Sprintf("w-%d", rng.IntN(40))
			if rng.IntN(3) > 0 {
				m.acquire(c, name, service)
			} else {
				m.release(c, name)
			}
		}
		m.compare(t, c)
	}
}

// acquire lets a service take the lock, or wait for it. It does nothing for a holder.
func (m *slowModel) acquire(c *crowd, name, service string) {
	l := m.locks[name]
	if l == nil {
		m.locks[name] = &slowLock{name: name, owner: service, since: c.now}
	} else if l.owner != service {
		l.queue = append(l.queue, slowWait{service, c.now})
	} else {
		return
	}
	c.do(codec.VerbAcquire, []byte(name), service, 86_400_000)
}

// release ends the hold. Requests of the new holder at the head of the queue are granted with it.
func (m *slowModel) release(c *crowd, name string) {
	l := m.locks[name]
	if l == nil {
		return
	}
	for r := (c.do(codec.VerbRelease, []byte(name), l.owner, 0)); r.Count > 0; {
		r = c.do(codec.VerbRelease, []byte(name), l.owner, 0)
	}
	if len(l.queue) == 0 {
		delete(m.locks, name)
		return
	}
	l.owner, l.since = l.queue[0].service, c.now
	for len(l.queue) > 0 && l.queue[0].service == l.owner {
		l.queue = l.queue[1:]
	}
}

func (m *slowModel) compare(t *testing.T, c *crowd) {
	t.Helper()
	o := c.observer()
	contended := 0
	for _, l := range m.locks {
		if len(l.queue) > 0 {
			contended++
		}
	}
	top := o.Top(context.Background(), ByWaiters, 1000, all{})
	wait := o.Top(context.Background(), ByWait, 1000, all{})
	hold := o.Top(context.Background(), ByHold, 1000, all{})
	if len(top.Rows) != contended || len(wait.Rows) != contended || len(hold.Rows) != len(m.locks) || contended == 0 || top.Truncated {
		t.Fatalf("%d, %d and %d rows, want %d, %d and %d", len(top.Rows), len(wait.Rows), len(hold.Rows), contended, contended, len(m.locks))
	}
	sorted := func(rows []TopRow, key func(*TopRow) int64) bool {
		return slices.IsSortedFunc(rows, func(a, b TopRow) int { return int(key(&b) - key(&a)) })
	}
	if !sorted(top.Rows, func(r *TopRow) int64 { return int64(r.Waiters) }) || !sorted(wait.Rows, func(r *TopRow) int64 { return r.WaitedMs }) ||
		!sorted(hold.Rows, func(r *TopRow) int64 { return r.HeldMs }) {
		t.Error("rows out of order")
	}
	for _, row := range slices.Concat(top.Rows, wait.Rows) {
		l := m.locks[string(row.Lock)]
		if l == nil || string(row.Owner) != l.owner || int(row.Waiters) != len(l.queue) || row.HeldMs != (c.now-l.since)/nsPerMs ||
			row.WaitedMs != (c.now-l.queue[0].since)/nsPerMs {
			t.Errorf("%+v, want %+v", row, l)
		}
	}
	m.compareLocks(t, c, o)
}

// compareLocks compares each lock with its queue, the list, the census and the owners.
func (m *slowModel) compareLocks(t *testing.T, c *crowd, o *Observer) {
	t.Helper()
	listed := 0
	for cursor := (Cursor{}); ; {
		page := o.Locks(&LocksQuery{At: cursor, Limit: 7, Sight: all{}})
		listed += len(page.Rows)
		if page.Cursor == "" {
			break
		}
		cursor, _ = ParseCursor([]byte(page.Cursor))
	}
	if listed != len(m.locks) {
		t.Errorf("%d locks listed, want %d", listed, len(m.locks))
	}
	segments, holds, waits := map[string]int{}, map[string]int{}, map[string]int{}
	for name, l := range m.locks {
		segments[name[:3]]++
		holds[l.owner]++
		v := o.Lock([]byte(name))
		if len(v.Queue) != len(l.queue) || string(v.Owner) != l.owner {
			t.Fatalf("%+v, want %+v", v, l)
		}
		for i, w := range l.queue {
			waits[w.service]++
			if got := v.Queue[i]; string(got.Service) != w.service || got.Position != i+1 || got.WaitedMs != (c.now-w.since)/nsPerMs {
				t.Errorf("%s: %+v, want %+v", name, got, w)
			}
		}
	}
	census := o.Prefixes(context.Background(), 1000, all{})
	for _, row := range census.Rows {
		if segments[string(row.Prefix)] != row.Locks {
			t.Errorf("%+v, want %v", row, segments)
		}
	}
	if census.Of != len(m.locks) || len(census.Rows) != len(segments) {
		t.Errorf("%+v", census)
	}
	for i := range 40 {
		service := fmt.Sprint("w-", i)
		page := o.Owner([]byte(service), 1000, "", all{})
		for _, row := range page.Rows {
			if row.Kind == "hold" {
				holds[service]--
			} else {
				waits[service]--
			}
		}
		if holds[service] != 0 || waits[service] != 0 || page.Cursor != "" {
			t.Errorf("%s: %d holds and %d waits are not listed", service, holds[service], waits[service])
		}
	}
}
