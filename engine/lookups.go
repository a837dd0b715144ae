package engine

import (
	"dlm/codec"
	"dlm/engine/observe"
	"dlm/table"
)

const (
	listDefault = 100  // locks that LOCKS answers without LIMIT
	listScan    = 1024 // records that LOCKS reads per hold of a shard's mutex
	listBatch   = 16   // locks copied per hold of a shard's mutex
	// records that one LOCKS reads, some 0.3 ms of its loop; the cursor continues there
	listScanMax = 16 * 1024
	// names, owners and META in one answer; far below the limit of unread replies
	listBytes = 256 << 10
)

// noImage is the answer of a backup that has no image yet, so it knows no locks.
const noImage = "this server is a backup that has no image yet: ask its primary"

// statusOf answers STATUS.
func (r *reactor) statusOf() {
	served := r.served
	hash := served.Table.Hash(r.cmd.Name)
	s := r.lock(served.Table.Shard(hash))
	s.Status(served.TimeAt(r.now), hash, r.cmd.Name, &r.status, &r.fx)
	r.unlock(s)
	r.count(codec.VerbStatus, codec.OK)
	r.status.HeldMs += served.UnchangedMs()
	r.w.Fields()
	r.writeStatus(&r.status)
	if served.Follows() {
		r.w.Num("stale_ms", served.Staleness().Milliseconds())
	}
	r.w.End()
}

func (r *reactor) writeStatus(st *table.Status) {
	switch {
	case st.Recovering:
		r.w.Word("state", "recovering")
	case !st.Held:
		r.w.Word("state", "free")
		if st.Waiters == 0 {
			return
		}
	default:
		r.w.Word("state", "held")
		r.w.Word("mode", st.Mode())
		r.writeHolders(st)
	}
	r.w.Num("waiters", int64(st.Waiters))
	if len(st.Next) > 0 {
		r.w.Str("next", st.Next)
	}
	if st.Others > 0 {
		r.w.Num("reentries_other_conn", int64(st.Others))
	}
	if len(st.Meta) > 0 {
		r.w.Str("meta", st.Meta)
	}
}

// writeHolders writes the hold of an exclusive lock, or the numbers of another.
func (r *reactor) writeHolders(st *table.Status) {
	if st.Holders == 0 {
		r.w.Str("owner", st.Owner)
		r.writeGrant(st)
		return
	}
	if st.Permits > 0 {
		r.w.Num("permits", int64(st.Permits))
		r.w.Num("taken", int64(st.Taken))
	}
	r.w.Num("holders", int64(st.Holders))
}

// writeGrant writes the numbers of one hold.
func (r *reactor) writeGrant(st *table.Status) {
	r.w.Token("token", codec.Token(st.Token))
	r.w.Num("count", int64(st.Count))
	r.w.Num("lease_ms", st.LeaseMs)
	r.w.Num("held_ms", st.HeldMs)
}

// listHolders answers HOLDERS.
func (r *reactor) listHolders() {
	served := r.served
	hash := served.Table.Hash(r.cmd.Name)
	r.statuses.Reset()
	s := r.lock(served.Table.Shard(hash))
	all := s.Holders(served.TimeAt(r.now), hash, r.cmd.Name, codec.ListMax, &r.statuses, &r.fx)
	r.unlock(s)
	r.count(codec.VerbHolders, codec.OK)
	list, n, size := r.statuses.All(), 0, 0
	for ; n < len(list) && size < listBytes; n++ {
		size += len(list[n].Owner) + len(list[n].Meta)
	}
	r.cost += len(list) / costRecord
	list = list[:n]
	r.w.ListMore(n, all-n)
	for i := range list {
		st := &list[i]
		st.HeldMs += served.UnchangedMs()
		r.w.Item()
		r.w.Str("service", st.Owner)
		r.writeGrant(st)
		if len(st.Meta) > 0 {
			r.w.Str("meta", st.Meta)
		}
		r.w.End()
	}
}

// listLocks answers LOCKS with a bounded part of the listing, and the cursor for the next.
func (r *reactor) listLocks(c *conn) {
	cmd := r.cmd
	at, ok := table.Cursor{}, true
	if cmd.Has(codec.OptCursor) && len(cmd.Text) > 0 {
		at, ok = observe.ParseCursor(cmd.Text)
	}
	if !ok {
		r.refuse(codec.BadArg, foreignCursor(cmd.Verb))
		return
	}
	limit := listDefault
	if cmd.Has(codec.OptLimit) {
		limit = cmd.Limit
	}
	filter := table.Filter{Contended: cmd.Has(codec.OptContended), Held: cmd.Has(codec.OptHeld)}
	if cmd.Has(codec.OptPrefix) {
		filter.Prefix = cmd.Name
	}
	r.statuses.Reset()
	more := r.collect(c, &at, limit, &filter)
	var cursor [24]byte
	text := cursor[:0]
	if more {
		text = observe.AppendCursor(text, at)
	}
	list := r.statuses.All()
	r.w.List(len(list), text)
	for i := range list {
		st := &list[i]
		r.w.Item()
		r.w.Str("lock", st.Name)
		r.writeStatus(st)
		r.w.End()
	}
	r.count(codec.VerbLocks, codec.OK)
}

// collect fills r.statuses from the cursor on, and moves the cursor. It returns true if there may
// be more.
func (r *reactor) collect(c *conn, at *table.Cursor, limit int, filter *table.Filter) (more bool) {
	size, seen, served := 0, 0, r.served
	for left := listScanMax; left > 0; left-- { // a shard without records counts as one
		scan := listScan
		// Few locks per hold of the mutex, as one can have 2 KiB of strings.
		s := r.lock(served.Table.ShardAt(int(at.Shard)))
		done := s.List(served.TimeAt(r.now), &at.Index, &scan, min(limit-seen, listBatch), filter, &r.statuses, &r.fx)
		r.unlock(s)
		left -= listScan - scan
		r.cost += 1 + (listScan-scan)/costRecord
		for i := range r.statuses.All()[seen:] {
			st := &r.statuses.All()[seen+i]
			st.HeldMs += served.UnchangedMs()
			size += len(st.Name) + len(st.Owner) + len(st.Meta) + len(st.Next)
		}
		seen = r.hideOthers(c, seen)
		if done {
			if at.Shard == table.Shards-1 {
				return false
			}
			*at = table.Cursor{Shard: at.Shard + 1}
		}
		if seen >= limit || size > listBytes {
			return true
		}
	}
	return true
}

// hideOthers removes the entries that the connection may not see, after the first seen ones, and
// returns how many remain.
func (r *reactor) hideOthers(c *conn, seen int) int {
	if c.who.AllNames() {
		return len(r.statuses.All())
	}
	return r.statuses.Keep(seen, func(st *table.Status) bool { return c.who.MayUse(st.Name) })
}
