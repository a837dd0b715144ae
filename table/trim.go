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

func (s *Shard) tooManyWaiters() bool {
	b := &s.waiters
	return tooMuch(b.idle, b.mapped-b.idle, trimKeepChunks)
}

func (s *Shard) tooManyHolders() bool {
	if s.groups == nil {
		return false
	}
	b := &s.groups.holders
	return b.live == 0 || tooMuch(b.idle, b.mapped-b.idle, trimKeepChunks)
}

func (s *Shard) tooManyRequests() bool {
	b := &s.requests
	return tooMuch(b.idle, b.mapped-b.idle, trimKeepChunks)
}

func (s *Shard) tooManyStrings() bool {
	a := &s.arena
	return tooMuch(a.idle, a.mapped-a.idle, trimKeepChunks)
}

// Trim frees memory that has not been used for some calls, in pieces. It does work for as many
// records as budget has and subtracts its work from it. It returns how many bytes were freed and
// whether there is more to do.
func (s *Shard) Trim(budget *int) (given int, more bool) {
	t := &s.trim
	if t.stage == trimLook {
		if s.phase != graceOver ||
			!s.tooManyLocks() && !s.tooManyWaiters() && !s.tooManyHolders() && !s.tooManyStrings() && !s.index.TooLarge() &&
				!s.tooManyRequests() && !s.requestIndex.TooLarge() {
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
		if int(t.at) == len(s.waiters.chunks) || !s.tooManyWaiters() {
			t.stage, t.at = trimHolders, 0
			return
		}
		if s.waiters.giveBack(int(t.at)) {
			t.given += waiterChunkLen * waiterBytes
			t.giveBackEntries(&s.waits, t.at<<slabChunkBits)
			*budget -= trimChunk
		}
		t.at++
	case trimHolders:
		s.trimHolders(budget)
	case trimRequests:
		if int(t.at) == len(s.requests.chunks) || !s.tooManyRequests() {
			t.stage, t.at = trimArena, 0
			if s.requestIndex.TooLarge() {
				*budget -= len(s.requestIndex.Slots) / sparseCost
				t.given += s.requestIndex.Bytes()
				s.requestIndex.Shrink()
				t.given -= s.requestIndex.Bytes()
			}
			return
		}
		if s.requests.giveBack(int(t.at)) {
			t.given += slabChunkLen * requestBytes
		}
		t.at++
	case trimArena:
		if int(t.at) == len(s.arena.chunks) || !s.tooManyStrings() {
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

// trimHolders frees one chunk of holders if it may go. A shard without holders has no memory for
// them.
func (s *Shard) trimHolders(budget *int) {
	t, g := &s.trim, s.groups
	if g != nil && g.holders.live == 0 {
		t.given += g.bytes()
		s.groups = nil
	}
	if s.groups == nil || int(t.at) == len(g.holders.chunks) || !s.tooManyHolders() {
		t.stage, t.at = trimRequests, 0
		*budget -= s.shrinkGroups()
		return
	}
	if g.holders.giveBack(int(t.at)) {
		t.given += slabChunkLen * holderBytes
		t.giveBackEntries(&g.leases, t.at<<slabChunkBits)
		*budget -= trimChunk
	}
	t.at++
}

// shrinkGroups makes the indexes of holders smaller if they are far too large, and returns the cost
// in records.
func (s *Shard) shrinkGroups() (cost int) {
	if s.groups == nil {
		return 0
	}
	for _, x := range [...]*index.Index{&s.groups.owners, &s.groups.tokens} {
		if x.TooLarge() {
			before := x.Bytes()
			x.Shrink()
			s.trim.given += before - x.Bytes()
			cost += before / 8 / sparseCost
		}
	}
	return cost
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

// shrinkIndex makes the index smaller if it is far too large, and returns the cost in records.
// Prefetch reads the index without the mutex: see extendReach.
func (s *Shard) shrinkIndex() (cost int) {
	if !s.index.TooLarge() {
		return 0
	}
	slots := len(s.index.Slots)
	s.reach.Store(0)
	s.index.Shrink()
	s.shrinks++
	s.extendReach()
	s.trim.given += (slots - len(s.index.Slots)) * 8
	return slots / sparseCost
}
