package table

import (
	"maps"
	"math"
	"slices"

	"dlm/codec"
)

// Times of the simulation are true times in ns; table time begins anew at each start.

const (
	recTTLMax     = 4000 // ms, the longest lease that any client asks for
	recReserve    = 1 << 30
	recLeap       = 1 << 38
	recLeapOlder  = recLeap / 2
	recWallStart  = 1_760_000_000 * 1_000_000_000 // wall clock at time 0
	recImagesKeep = 3
)

// recStart is the START file of a data directory.
type recStart struct {
	number  int
	ceiling codec.Token
	ttlMs   uint32
	clean   *recImage
}

// recServer is a server and its data directory.
type recServer struct {
	table    *Table
	base     int64 // true time of table time 0
	start    recStart
	ttlMax   uint32 // ms, longest lease that it accepts
	graceMs  uint32 // the setting
	grace    int64  // of this start, ns
	images   []*recImage
	exports  *recImage // being written; nil: none
	shard    int       // of exports, index into recWorld.shards
	at       ExportCursor
	settled  bool // the grace is over and was checked
	down     bool
	skew     int64 // how far the wall clock was set back, ns
	known    recKnown
	startsAt codec.Token
	serial   int       // counts starts, independently of START
	leapt    int       // serial of the last start that leapt
	copyOf   *recImage // the image of that start, if it was a copy
}

func (w *recWorld) tableNow() int64 { return w.now - w.base }

func (w *recWorld) wall() codec.Token { return recWallToken(recWallStart + w.now - w.skew) }

// recWallToken is engine.wallToken.
func recWallToken(wall int64) codec.Token { return codec.Token(wall/nsPerMs) << 10 }

// cleanStop writes the final image, which START names.
func (w *recWorld) cleanStop() {
	w.loseConns()
	w.wholeImage()
	w.images[0].last = true
	w.start.clean = w.images[0]
	w.down = true
	w.tally.CleanStops++
	w.logf("clean stop")
}

func (w *recWorld) crash() {
	if w.table.ShardAt(w.shards[0]).GraceRuns() {
		w.tally.CrashesInGrace++
	}
	w.loseConns()
	w.exports = nil
	w.down = true
	w.tally.Crashes++
	w.logf("crash")
}

// recHow is how a server starts again.
type recHow struct {
	image  int  // index into images
	copied bool // into another directory, which has no START
}

// copyable reports whether a start from a copy of the image is allowed. It is not if an earlier
// start from another copy has leapt and was started again, because the tokens that it gave cannot
// be known: tokens from copies of one image are set apart by its age alone.
func (w *recWorld) copyable(img *recImage) bool {
	return w.skew == 0 && (img.serial >= w.leapt || w.serial == w.leapt && img == w.copyOf)
}

// restart does the same as engine.recoverFrom.
func (w *recWorld) restart(how recHow) {
	var img *recImage
	if how.image < len(w.images) {
		img = w.images[how.image]
		w.images = w.images[how.image:]
	}
	former, known := w.start, !how.copied
	if how.copied {
		w.images = slices.Clone(w.images[:min(1, len(w.images))])
	}
	leap := img != nil && how.copied || how.image > 0
	next := recStart{}
	tokens, ttlMs := w.wall(), uint32(0)
	if w.out == ruleStart {
		for i := range w.names {
			hash := w.table.Hash(w.names[i])
			if img != nil {
				tokens = max(tokens, img.shards[slices.Index(w.shards, int(hash>>56))].Counter)
			}
		}
	}
	raise := func(ceiling codec.Token) {
		if w.out != ruleStart {
			tokens = max(tokens, ceiling)
		}
	}
	if known {
		next.number, ttlMs = former.number, former.ttlMs
		raise(former.ceiling)
	}
	clean := false
	if img != nil {
		clean = known && former.clean == img && img.start == former.number && !img.grace && !leap
		if w.out == ruleClean {
			clean = img.last && !img.grace
		}
		next.number = max(next.number, img.start)
		ttlMs = max(ttlMs, img.ttlMs)
		raise(img.ceiling)
	}
	if leap && w.out != ruleStart && w.out != ruleLeap {
		if how.copied {
			tokens += recLeap
		} else {
			tokens += recLeapOlder
		}
		if w.out != ruleAge {
			tokens += max(w.wall(), img.wall) - img.wall
		}
	}
	if next.number++; leap {
		w.leapt, w.copyOf = w.serial+1, nil
		if how.copied {
			w.copyOf = img
		}
	}
	next.ceiling, next.ttlMs = tokens+recReserve, w.graceMs
	w.ttlMax, w.grace = w.graceMs, 0
	if (known || img != nil) && !clean {
		w.grace = int64(max(w.graceMs, ttlMs)) * nsPerMs
		if w.out != ruleCarry {
			next.ttlMs = max(next.ttlMs, ttlMs)
		}
		if w.out == ruleGrace || w.out == ruleUnseen {
			w.grace = 500 * nsPerMs
		}
	}
	w.startTable(tokens, next, img)
	w.logf("start %d: tokens from %d, grace %dms, image %s", next.number, w.rel(tokens), w.grace/nsPerMs, w.describe(img))
	if img != nil && w.violation == "" {
		if clean {
			w.checkExact(img)
		}
		w.markShortLeases()
		w.markImaged(img)
	}
	if w.grace == 0 {
		w.tally.ExactStarts++
	}
}

// startTable makes the table and loads the image, if there is one.
func (w *recWorld) startTable(tokens codec.Token, next recStart, img *recImage) {
	w.serial++
	w.known = recKnown{ended: map[recHold]bool{}}
	if img != nil {
		w.known.ended = maps.Clone(img.known.ended)
		if img.grace {
			w.known.shown, w.known.barred = img.known.shown, img.known.barred
		}
	}
	w.base, w.down, w.settled, w.startsAt = w.now, false, w.grace == 0, tokens
	w.table = New(Config{Seed: 7, TokenStart: tokens, TTLMs: min(1000, w.ttlMax), LocksMax: 1000, WaitersMax: 1000,
		WaitersPerLockMax: 100, Tap: w.tap})
	w.table.SetTokenCeiling(next.ceiling)
	longest := uint32(0)
	for j, i := range w.shards {
		s := w.table.ShardAt(i)
		from := &codec.ShardImage{Shard: uint8(i)}
		if img != nil {
			from = &img.shards[j]
		}
		rec := Recovery{Grace: w.grace}
		if img != nil {
			rec.ImageTime = img.time
		}
		if err := s.Import(from, rec); err != nil {
			w.fail("import: %v", err)
			return
		}
		if img != nil {
			w.imported(s, img)
		}
		longest = max(longest, s.LongestTTL())
	}
	next.ttlMs = max(next.ttlMs, longest)
	w.start = next
}

// advance lets true time pass until then, and does all that comes due meanwhile. Without ticker the
// table learns of the time by later commands.
func (w *recWorld) advance(until int64, ticker bool) {
	for w.violation == "" {
		next := until
		for _, m := range w.sent {
			next = min(next, max(m.due, w.now))
		}
		if ticker && !w.down {
			for _, i := range w.shards {
				if tick := w.table.due[i].Load(); tick < math.MaxInt64/nsPerTick {
					next = min(next, max(w.base+int64(tick)*nsPerTick, w.now))
				}
			}
		}
		w.now = next
		if ticker && !w.down {
			w.tick()
		}
		w.deliver()
		w.checkHolds()
		if w.now >= until && !w.anyDue(ticker) {
			return
		}
	}
}

func (w *recWorld) anyDue(ticker bool) bool {
	for _, m := range w.sent {
		if m.due <= w.now {
			return true
		}
	}
	for _, i := range w.shards {
		if ticker && !w.down && w.table.Due(i, w.tableNow()) {
			return true
		}
	}
	return false
}

// tick does the same as the server's ticker.
func (w *recWorld) tick() {
	for _, i := range w.shards {
		for w.table.Due(i, w.tableNow()) {
			s := w.table.ShardAt(i)
			w.graceCame(s)
			w.fx.List = w.fx.List[:0]
			more := s.Advance(w.tableNow(), 3, &w.fx)
			w.effects()
			if !more {
				break
			}
		}
	}
	w.checkTicked()
}
