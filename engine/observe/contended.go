package observe

import (
	"cmp"

	"dlm/codec"
	"dlm/table"
)

// TopRow describes one lock of a view.
type TopRow struct {
	Lock     Text        `json:"lock"`
	Mode     string      `json:"mode,omitempty"`
	Owner    Text        `json:"owner,omitempty"`
	Holders  int         `json:"holders"`
	Token    codec.Token `json:"token"`
	Count    uint32      `json:"count"`
	Waiters  uint32      `json:"waiters"`
	WaitedMs int64       `json:"waited_ms"` // of the request that has waited longest
	HeldMs   int64       `json:"held_ms"`
	LeaseMs  int64       `json:"lease_ms"`
	TTLMs    uint32      `json:"ttl_ms"`
	HeatMs   int64       `json:"heat_ms"` // waiting that has ended, halved each minute
	Meta     Text        `json:"meta,omitempty"`
}

// contendedView is what a walk over the waiting requests has found.
type contendedView struct {
	waiters   []TopRow // most waiters first
	wait      []TopRow // longest wait first
	heat      []TopRow // most waiting first, held or not
	locks     int      // with waiters
	longestMs int64    // wait
	truncated bool     // there are more locks with waiters than rows
}

// makeContended walks all waiting requests.
func (o *Observer) makeContended(served Served) *contendedView {
	waiters := best[table.Contention]{order: func(a, b table.Contention) int { return cmp.Compare(b.Waiters, a.Waiters) }}
	wait := best[table.Contention]{order: func(a, b table.Contention) int { return cmp.Compare(a.Since, b.Since) }}
	hot := best[table.Heat]{order: func(a, b table.Heat) int { return cmp.Compare(b.Weight, a.Weight) }}
	var found []table.Contention
	var heat []table.Heat
	for i := range table.Shards {
		s := served.Table.ShardAt(i)
		for at, done := uint32(0), false; !done; {
			s.Lock()
			found, done = s.Contended(served.Now, &at, holdRecords, found[:0])
			if done {
				heat = s.Heat(served.Now, heat[:0])
			}
			s.Unlock()
			for _, c := range found {
				waiters.offer(c)
				wait.offer(c)
			}
		}
		for _, h := range heat {
			hot.offer(h)
		}
	}
	v := &contendedView{locks: waiters.sum}
	weights, _ := hot.all()
	heatOf := make(map[string]int64, len(weights))
	for _, h := range weights {
		heatOf[string(h.Name)] = h.Weight
	}
	d := describer{served: &served, heat: heatOf, known: map[place]*TopRow{}}
	list, truncated := waiters.all()
	v.waiters, v.truncated = d.rows(list), truncated
	list, _ = wait.all()
	v.wait = d.rows(list)
	if len(v.wait) > 0 {
		v.longestMs = v.wait[0].WaitedMs
	}
	for _, h := range weights {
		v.heat = append(v.heat, d.named(h))
	}
	return v
}

// place names a record of a lock.
type place struct {
	shard uint8
	index uint32
}

// describer makes rows of what a walk has found, each once.
type describer struct {
	served *Served
	heat   map[string]int64 // ns, by name
	known  map[place]*TopRow
	st     table.Status
}

// rows describes locks with waiters. It leaves out those whose hold has ended since the walk.
func (d *describer) rows(list []table.Contention) []TopRow {
	out := make([]TopRow, 0, len(list))
	for _, c := range list {
		if row := d.row(c); row != nil {
			out = append(out, *row)
		}
	}
	return out
}

func (d *describer) row(c table.Contention) *TopRow {
	at := place{c.Shard, c.Index}
	if row, ok := d.known[at]; ok {
		return row
	}
	d.known[at] = nil
	if !d.look(c.Shard, c.Index, c.Token) {
		return nil
	}
	row := d.fill()
	row.WaitedMs = max(0, d.served.Now-c.Since)/nsPerMs + d.served.UnchangedMs
	d.known[at] = &row
	return &row
}

// look reads the record of a lock into d.st. It returns false if that hold has ended.
func (d *describer) look(shard uint8, index uint32, token codec.Token) bool {
	s := d.served.Table.ShardAt(int(shard))
	s.Lock()
	defer s.Unlock()
	return s.LookAt(d.served.Now, index, token, &d.st)
}

// fill makes a row of d.st.
func (d *describer) fill() TopRow {
	st := &d.st
	row := TopRow{Lock: clone(st.Name), Waiters: st.Waiters, HeatMs: d.heat[string(st.Name)] / nsPerMs}
	if !st.Held {
		return row
	}
	row.Mode, row.Holders = st.Mode(), max(1, int(st.Holders))
	row.Owner, row.Token, row.Count, row.Meta = clone(st.Owner), codec.Token(st.Token), st.Count, clone(st.Meta)
	row.LeaseMs, row.TTLMs, row.HeldMs = st.LeaseMs, st.TTLMs, st.HeldMs+d.served.UnchangedMs
	return row
}

// named describes a hot lock, which may be free.
func (d *describer) named(h table.Heat) TopRow {
	hash := d.served.Table.Hash(h.Name)
	s := d.served.Table.Shard(hash)
	s.Lock()
	s.Look(d.served.Now, hash, h.Name, &d.st)
	queue, _, _ := s.Queue(d.served.Now, hash, h.Name, table.WaiterRef{}, 1, nil)
	s.Unlock()
	d.st.Name = append(d.st.Name[:0], h.Name...)
	row := d.fill()
	row.HeatMs = h.Weight / nsPerMs
	if len(queue) > 0 {
		row.WaitedMs = queue[0].WaitedMs
	}
	return row
}
