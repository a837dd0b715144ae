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

// tenant counts what the services of one quota hold and wait for. A hold counts from the grant to
// the end of its record: in a recovery grace also after its release, but nothing is granted then.
type tenant struct {
	holds, waits       atomic.Int64
	holdsMax, waitsMax atomic.Int64
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
		t.holdsMax.Store(int64(q.LocksMax))
		t.waitsMax.Store(int64(q.WaitersMax))
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
		for i := range before.count() {
			before.of[i].holdsMax.Store(ts.of[i].holdsMax.Load())
			before.of[i].waitsMax.Store(ts.of[i].waitsMax.Load())
		}
		return
	}
	for i := range t.shards {
		s := &t.shards[i]
		s.Lock()
		t.tenancies[i].known = ts
		s.countTenants(ts)
		s.Unlock()
	}
}

func (ts *tenants) count() int {
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
		return x.holds.Load(), x.waits.Load()
	}
	return 0, 0
}

// countTenants adds the present holds and waiting requests of the shard to their tenants.
func (s *Shard) countTenants(ts *tenants) {
	if ts == nil {
		return
	}
	for i := range s.locks.len() {
		if l := s.locks.record(i); l != nil && l.nameLen > 0 && l.serviceLen > 0 {
			if t := ts.find(s.service(l)); t != nil {
				t.holds.Add(1)
			}
		}
	}
	for i := range s.groups.records() {
		if h := s.groups.holders.inUse(i); h != nil {
			if t := ts.find(s.holderService(h)); t != nil {
				t.holds.Add(1)
			}
		}
	}
	for i := range s.waiters.len() {
		if w := s.waiters.inUse(i); w != nil {
			if t := ts.find(s.waiterService(w)); t != nil {
				t.waits.Add(1)
			}
		}
	}
}

// takeHold counts the hold that a service is about to get. It returns false, with nothing counted,
// if the quota of the service has no room. After true, recordHold or giveBackHold follows.
func (s *Shard) takeHold(service []byte) bool {
	at := &s.table.tenancies[s.number]
	t := at.known.find(service)
	if t == nil {
		return true
	}
	if !takeOf(&t.holds, t.holdsMax.Load()) {
		return false
	}
	at.taken = t
	return true
}

// takeWait is takeHold for a request that is about to wait.
func (s *Shard) takeWait(service []byte) bool {
	at := &s.table.tenancies[s.number]
	t := at.known.find(service)
	if t == nil {
		return true
	}
	if !takeOf(&t.waits, t.waitsMax.Load()) {
		return false
	}
	at.taken = t
	return true
}

// takeOf adds one to n unless it is at its limit, and reports whether it did.
func takeOf(n *atomic.Int64, limit int64) bool {
	for {
		have := n.Load()
		if limit > 0 && have >= limit {
			return false
		}
		if n.CompareAndSwap(have, have+1) {
			return true
		}
	}
}

// giveBackHold undoes takeHold when there is no hold after all.
func (s *Shard) giveBackHold() {
	at := &s.table.tenancies[s.number]
	if at.taken != nil {
		at.taken.holds.Add(-1)
		at.taken = nil
	}
}

// recordHold counts a hold of the service that is being put on record, unless takeHold has.
func (s *Shard) recordHold(service []byte) {
	at := &s.table.tenancies[s.number]
	if at.taken != nil {
		at.taken = nil
	} else if t := at.known.find(service); t != nil {
		t.holds.Add(1)
	}
}

// forgetHold counts a hold of the service that leaves its record.
func (s *Shard) forgetHold(service []byte) {
	if t := s.table.tenancies[s.number].known.find(service); t != nil {
		t.holds.Add(-1)
	}
}

// recordWait counts a request of the service that is being put on record, unless takeWait has.
func (s *Shard) recordWait(service []byte) {
	at := &s.table.tenancies[s.number]
	if at.taken != nil {
		at.taken = nil
	} else if t := at.known.find(service); t != nil {
		t.waits.Add(1)
	}
}

// forgetWait counts a request of the service that leaves its record.
func (s *Shard) forgetWait(service []byte) {
	if t := s.table.tenancies[s.number].known.find(service); t != nil {
		t.waits.Add(-1)
	}
}
