package table

import (
	"dlm/table/index"
	"dlm/table/wheel"
)

// A table that was large gives its memory back, chunk by chunk, while it serves. Commands do none
// of this work. The caller calls Trim now and then. Trim checks whether a shard has much more
// memory than it uses, and does a piece of work if that has been so for a while.

const (
	trimLooks    = 5  // looks in a row that must find too much memory, so that a load may pause
	trimLooksMax = 60 // the same after work that freed nothing, because no chunk was wholly free
	trimChunk    = 16 // cost of a look at a chunk, in records
	// trimKeep is the part of the used memory that a shard may have in reserve. trimKeepChunks is
	// added to it, so that a lock that comes and goes at the border of a chunk does not move
	// memory.
	trimKeep       = 4
	trimKeepChunks = 1
)

// trimStage is the next step of Trim.
type trimStage uint8

const (
	trimLook trimStage = iota
	trimWaiters
	trimHolders
	trimRequests
	trimArena
	trimIndex
	trimSift
	trimSettle
)

// trim is the progress of Trim in a shard.
type trim struct {
	stage trimStage
	idle  uint8  // looks in a row that found too much memory
	need  uint8  // looks that are needed; 0: trimLooks
	at    uint32 // next chunk of the stage
	given int    // bytes given back since the work began
}

// tooMuch reports whether the number of free records or chunks is far more than a reserve for the
// used ones.
func tooMuch(free, used, keep int) bool { return free > used/trimKeep+keep }

// tooManyLocks counts records, because the number of wholly free chunks is not known.
func (s *Shard) tooManyLocks() bool {
	used := s.locks.live()
	return tooMuch(s.sort.mapped(&s.locks)*lockChunkLen-used, used, trimKeepChunks*lockChunkLen)
}

// tooLarge reports whether the slab has far more memory than it uses.
func (b *slab[T]) tooLarge() bool { return tooMuch(b.idle, b.mapped-b.idle, trimKeepChunks) }

func (a *arena) tooLarge() bool { return tooMuch(a.idle, a.mapped-a.idle, trimKeepChunks) }

// hasTooMuch reports whether a part of the shard has far more memory than it uses.
func (s *Shard) hasTooMuch() bool {
	g := s.groups
	return s.tooManyLocks() || s.waiters.tooLarge() || g != nil && (g.holders.live == 0 || g.holders.tooLarge()) ||
		s.arena.tooLarge() || s.index.TooLarge() || s.requests.tooLarge() || s.requestIndex.TooLarge()
}

// Trim frees memory that has not been used for some calls, in pieces. It does work for as many
// records as budget has and subtracts its work from it. It returns how many bytes were freed and
// whether there is more to do.
func (s *Shard) Trim(budget *int) (given int, more bool) {
	t := &s.trim
	if t.stage == trimLook {
		if s.phase != graceOver || !s.hasTooMuch() {
			t.idle, t.need = 0, trimLooks
			return 0, false
		}
		if t.idle++; t.idle < max(t.need, trimLooks) {
			return 0, false
		}
		*t = trim{stage: trimWaiters, need: t.need}
	}
	before := t.given
	for *budget > 0 && t.stage != trimLook {
		s.trimPiece(budget)
	}
	given = t.given - before
	s.verify()
	return given, t.stage != trimLook
}

// trimPiece does one piece of the present stage, or begins the next.
func (s *Shard) trimPiece(budget *int) {
	t := &s.trim
	*budget--
	switch t.stage {
	case trimWaiters:
		if trimSlab(t, &s.waiters.slab, waiterBytes, &s.waits, budget) {
			t.stage, t.at = trimHolders, 0
		}
	case trimHolders:
		if s.trimHolders(budget) {
			t.stage, t.at = trimRequests, 0
		}
	case trimRequests:
		if trimSlab(t, &s.requests, requestBytes, nil, budget) {
			*budget -= t.shrink(&s.requestIndex)
			t.stage, t.at = trimArena, 0
		}
	case trimArena:
		if int(t.at) == len(s.arena.chunks) || !s.arena.tooLarge() {
			t.stage = trimIndex
			return
		}
		if s.arena.giveBack(int(t.at)) {
			t.given += arenaChunkLen
		}
		t.at++
	case trimIndex:
		*budget -= s.shrinkIndex()
		if t.stage = trimLook; s.tooManyLocks() {
			t.stage = trimSift
			s.sort.begin(&s.locks)
		}
	case trimSift:
		if s.sort.rest == none {
			t.stage = trimSettle
		} else {
			s.sort.sift(&s.locks)
		}
	case trimSettle:
		if s.sort.next > 0 {
			s.trimSettle(budget)
			return
		}
		s.sort.end()
		t.stage = trimLook
	default:
		panic("BUG: unknown stage of trimming")
	}
	if t.stage == trimLook {
		t.finish()
	}
}

// trimSlab frees the next chunk of a slab if it may go, with its entries in the wheel, which may be
// nil. It returns true if there is no such chunk any more.
func trimSlab[T any](t *trim, b *slab[T], recordBytes int, entries *wheel.Wheel, budget *int) (done bool) {
	if int(t.at) == len(b.chunks) || !b.tooLarge() {
		return true
	}
	if b.giveBack(int(t.at)) {
		t.given += slabChunkLen * recordBytes
		if entries != nil {
			t.giveBackEntries(entries, t.at<<slabChunkBits)
			*budget -= trimChunk
		}
	}
	t.at++
	return false
}

// trimHolders is trimSlab for the holders. A shard without holders has no memory for them.
func (s *Shard) trimHolders(budget *int) (done bool) {
	t, g := &s.trim, s.groups
	if g != nil && g.holders.live == 0 {
		t.given += g.bytes()
		s.groups = nil
	}
	if s.groups == nil {
		return true
	}
	if !trimSlab(t, &g.holders, holderBytes, &g.leases, budget) {
		return false
	}
	*budget -= t.shrink(&g.owners) + t.shrink(&g.tokens)
	return true
}

// trimSettle takes one chunk of lock records and frees it if it may go.
func (s *Shard) trimSettle(budget *int) {
	chunk, goes := s.sort.takeChunk(&s.locks, s.tooManyLocks())
	if !goes {
		return
	}
	*budget -= lockChunkLen
	first := chunk << lockChunkBits
	for i := first; i < first+lockChunkLen; i++ {
		if s.leases.Has(i) { // a freed record keeps its entry
			s.leases.Remove(i)
		}
	}
	s.sort.vacate(&s.locks, chunk)
	s.trim.given += lockChunkLen * lockBytes
	s.trim.giveBackEntries(&s.leases, first)
}

func (t *trim) giveBackEntries(w *wheel.Wheel, id uint32) {
	if w.GiveBack(id) {
		t.given += wheel.ChunkLen * wheel.EntryBytes
	}
}

// finish makes the next work wait longer if this one freed nothing.
func (t *trim) finish() {
	if t.given == 0 {
		t.need = min(2*max(t.need, trimLooks), trimLooksMax)
	} else {
		t.need = trimLooks
	}
}

// shrinkIndex is shrink for the index of locks. Prefetch reads it without the mutex: see
// extendReach.
func (s *Shard) shrinkIndex() (cost int) {
	if !s.index.TooLarge() {
		return 0
	}
	s.reach.Store(0)
	cost = s.trim.shrink(&s.index)
	s.shrinks++
	s.extendReach()
	return cost
}

// shrink makes an index smaller if it is far too large, and returns the cost in records.
func (t *trim) shrink(x *index.Index) (cost int) {
	if !x.TooLarge() {
		return 0
	}
	before := x.Bytes()
	slots := len(x.Slots)
	x.Shrink()
	t.given += before - x.Bytes()
	return slots / sparseCost
}
