package table

import (
	"maps"

	"dlm/codec"
	"dlm/engine/snapshot"
)

// recImage is an image file, with what the checks need to know about its beginning.
type recImage struct {
	snapshot.Header
	serial int                // of the start that wrote it
	shards []codec.ShardImage // one for each of recWorld.shards
	last   bool               // of a clean stop
	known  recKnown
	ends   [recLocks]int    // recWorld.ends at its beginning
	owners [recLocks]string // their holders at that time
}

// name returns the name of the file.
func (m *recImage) name() string { return snapshot.FileName(m.Start, m.Number) }

// recKnown is what the server must not forget, by lock.
type recKnown struct {
	ended  map[recHold]bool          // holds that are over
	shown  [recLocks]codec.Token     // largest token that was believed in the grace
	barred [recLocks]codec.Token     // claims up to it are refused in the grace
	held   [recLocks]map[string]bool // owners that were heard of since the start
}

type recHold struct {
	lock  int
	token codec.Token
}

func (k *recKnown) clone() recKnown {
	c := *k
	c.ended = maps.Clone(k.ended)
	return c
}

// beginImage decides what must be decided before the first shard is copied.
func (w *recWorld) beginImage() {
	w.number++
	m := &recImage{Header: snapshot.Header{Start: w.start.Number, Number: w.number, Seed: w.start.Seed, TableTime: w.tableNow(),
		WallTime: w.wall().UnixNano(), TokenStart: w.start.TokenStart, TokenCeiling: w.start.TokenCeiling, TTLLimitMs: w.start.TTLLimitMs},
		serial: w.serial, shards: make([]codec.ShardImage, len(w.shards)), known: w.known.clone()}
	for _, i := range w.shards {
		m.Grace = m.Grace || w.table.ShardAt(i).GraceRuns()
	}
	m.ends = w.ends
	w.eachHold(func(lock int, s *Shard, l *lock) { m.owners[lock] = string(s.service(l)) })
	w.exports, w.shard, w.at = m, 0, ExportCursor{}
}

// goOnImage copies the next piece, and keeps the image when it is complete.
func (w *recWorld) goOnImage(scan int) (done bool) {
	m := w.exports
	s, img := w.table.ShardAt(w.shards[w.shard]), &m.shards[w.shard]
	more := !s.Export(&w.at, scan, m.Grace && w.out != ruleOlderFloor, img)
	w.exported(s, img)
	if more {
		return false
	}
	if err := img.Check(); err != nil {
		w.fail("bad image: %v", err)
	}
	w.at = ExportCursor{}
	if w.shard++; w.shard < len(w.shards) {
		return false
	}
	w.exports = nil
	w.images = append([]*recImage{m}, w.images[:min(len(w.images), recImagesKeep-1)]...)
	w.tally.Images++
	return true
}

func (w *recWorld) wholeImage() {
	w.beginImage()
	for !w.goOnImage(1000) {
	}
}
