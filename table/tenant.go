package table

import (
	"slices"
	"strings"
	"sync/atomic"
)

// Quota bounds what services hold and wait for whose ids begin with one of some prefixes. All
// their holds count, whatever connection has asked for them.
type Quota struct {
	// Services are the prefixes. No prefix of one quota begins with one of another.
	Services   []string
	LocksMax   int // most holds; 0: no bound
	WaitersMax int // most waiting requests; 0: no bound
}

// use is what a quota bounds.
type use uint8

const (
	ofHolds use = iota
	ofWaits
	uses
)

// tenant counts what the services of one quota hold and wait for. A hold counts from the grant to
// the end of its record: in a recovery grace also after its release, but nothing is granted then.
type tenant [uses]struct {
	n    atomic.Int64
	most atomic.Int64 // 0: no bound
}

// tenants finds the tenant of a service. It does not change.
type tenants struct {
	prefixes []string // sorted; none begins with another
	of       []*tenant
}

// tenancy is a shard's part in quotas. The shard's mutex guards it. A table without quotas has a
// tenancy that knows none, and only commands by the general rules look at it.
type tenancy struct {
	known *tenants
	// taken is the tenant whose count includes the hold or wait that is about to be recorded
	taken *tenant
}

// find returns the tenant of a service, or nil.
func (ts *tenants) find(service []byte) *tenant {
	if ts == nil {
		return nil
	}
	// The largest prefix up to the service is the only one that it can begin with.
	above, end := 0, len(ts.prefixes)
	for above < end {
		if mid := (above + end) / 2; ts.prefixes[mid] <= string(service) {
			above = mid + 1
		} else {
			end = mid
		}
	}
	if above == 0 {
		return nil
	}
	if p := ts.prefixes[above-1]; len(service) < len(p) || string(service[:len(p)]) != p {
		return nil
	}
	return ts.of[above-1]
}

// newTenants makes tenants for quotas. A tenant of before that has the same prefixes stays, with
// its counts. It returns true if all have stayed, so that nothing has to be counted anew.
func newTenants(quotas []Quota, before *tenants) (ts *tenants, stayed bool) {
	if len(quotas) == 0 {
		return nil, before == nil
	}
	ts = &tenants{}
	type entry struct {
		prefix string
		of     *tenant
	}
	var entries []entry
	for _, q := range quotas {
		t := &tenant{}
		for _, p := range shortest(q.Services) {
			entries = append(entries, entry{p, t})
		}
		t[ofHolds].most.Store(int64(q.LocksMax))
		t[ofWaits].most.Store(int64(q.WaitersMax))
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.prefix, b.prefix) })
	for _, e := range entries {
		ts.prefixes, ts.of = append(ts.prefixes, e.prefix), append(ts.of, e.of)
	}
	return ts, before.sameGroups(ts)
}

// shortest returns the prefixes without those that begin with another.
func shortest(prefixes []string) (list []string) {
	for _, p := range slices.Sorted(slices.Values(prefixes)) {
		if len(list) == 0 || !strings.HasPrefix(p, list[len(list)-1]) {
			list = append(list, p)
		}
	}
	return list
}

// sameGroups reports whether both group the same prefixes into the same tenants.
func (ts *tenants) sameGroups(other *tenants) bool {
	if ts == nil || !slices.Equal(ts.prefixes, other.prefixes) {
		return false
	}
	to := map[*tenant]*tenant{}
	from := map[*tenant]*tenant{}
	for i, t := range ts.of {
		o := other.of[i]
		if x, known := to[t]; known && x != o {
			return false
		}
		if x, known := from[o]; known && x != t {
			return false
		}
		to[t], from[o] = o, t
	}
	return true
}

// SetQuotas replaces the quotas. If services were added or regrouped, it counts all holds and
// waiting requests anew, a shard at a time, which holds the shard's mutex for some milliseconds if
// it has 40,000 locks. Until it returns, shards that are not counted yet add nothing to the counts,
// so that a limit can be exceeded meanwhile. Calls must not overlap.
func (t *Table) SetQuotas(quotas []Quota) {
	before := t.tenancies[0].known
	ts, stayed := newTenants(quotas, before)
	if stayed {
		for i := range before.size() {
			for of := range uses {
				before.of[i][of].most.Store(ts.of[i][of].most.Load())
			}
		}
		return
	}
	for s := range t.Locked() {
		t.tenancies[s.number].known = ts
		s.countTenants(ts)
	}
}

func (ts *tenants) size() int {
	if ts == nil {
		return 0
	}
	return len(ts.of)
}

// QuotaUse returns what the services of a quota hold and wait for, if it is one of the table's.
func (t *Table) QuotaUse(service string) (holds, waits int64) {
	s := &t.shards[0]
	s.Lock()
	defer s.Unlock()
	if x := t.tenancies[0].known.find([]byte(service)); x != nil {
		return x[ofHolds].n.Load(), x[ofWaits].n.Load()
	}
	return 0, 0
}

// countTenants adds the present holds and waiting requests of the shard to their tenants.
func (s *Shard) countTenants(ts *tenants) {
	if ts == nil {
		return
	}
	s.eachHold(func(l *lock, h *holder) { ts.count(ofHolds, s.serviceOf(l, h), 1) })
	for i := range s.waiters.len() {
		if w := s.waiters.inUse(i); w != nil {
			ts.count(ofWaits, s.waiterService(w), 1)
		}
	}
}

// count adds n to what is counted for the service.
func (ts *tenants) count(of use, service []byte, n int64) {
	if t := ts.find(service); t != nil {
		t[of].n.Add(n)
	}
}

// quotas returns the shard's part in quotas, or nil if the table has none.
func (s *Shard) quotas() *tenancy {
	if at := &s.table.tenancies[s.number]; at.known != nil {
		return at
	}
	return nil
}

// takeUse counts the hold or wait that a service is about to get. It returns false, with nothing
// counted, if the quota of the service has no room. After true, record or giveBackHold follows.
func (s *Shard) takeUse(of use, service []byte) bool {
	at := &s.table.tenancies[s.number]
	return at.known == nil || at.take(of, service)
}

// giveBackHold undoes takeUse when there is no hold after all.
func (s *Shard) giveBackHold() {
	if at := s.quotas(); at != nil && at.taken != nil {
		at.taken[ofHolds].n.Add(-1)
		at.taken = nil
	}
}

// forget counts a hold or wait of the service that leaves its record.
func (at *tenancy) forget(of use, service []byte) { at.known.count(of, service, -1) }

// take is takeUse for a table with quotas.
func (at *tenancy) take(of use, service []byte) bool {
	t := at.known.find(service)
	if t == nil {
		return true
	}
	for n, most := &t[of].n, t[of].most.Load(); ; {
		have := n.Load()
		if most > 0 && have >= most {
			return false
		}
		if n.CompareAndSwap(have, have+1) {
			at.taken = t
			return true
		}
	}
}

// record counts a hold or wait of the service that is being put on record, unless take has.
func (at *tenancy) record(of use, service []byte) {
	if at.taken != nil {
		at.taken = nil
	} else {
		at.known.count(of, service, 1)
	}
}
