package table

import (
	"maps"
	"math"
	"slices"
	"time"

	"dlm/codec"
	"dlm/engine/snapshot"
)

// Times of the simulation are true times in ns; table time begins anew at each start.

const (
	recTTLMax     = 4000                          // ms, the longest lease that any client asks for
	recSeed       = 7                             // of the hash of lock names
	recWallStart  = 1_760_000_000 * 1_000_000_000 // wall clock at time 0, Unix ns
	recImagesKeep = 3
)

// RecFacts is what a start of the simulation knows. It has fields of durability.Facts.
type RecFacts struct {
	Former     *snapshot.Start
	Image      *snapshot.Header
	PassedOver bool
	Wall       time.Time
	GraceMs    uint32
	Seed       uint64
}

// RecPlan is what such a start does. It has what durability.Plan has.
type RecPlan struct {
	Start    snapshot.Start
	Leap     codec.Token
	Recovery Recovery
	// Loaded completes START when the image is loaded.
	Loaded func(s *snapshot.Start, longestMs uint32)
}

// RecDecide is durability.Decide. This package must not import that, so recovery_plan_test.go sets
// it.
var RecDecide func(RecFacts) (RecPlan, error)

// recServer is a server and its data directory.
type recServer struct {
	table    *Table
	base     int64 // true time of table time 0
	start    snapshot.Start
	ttlMax   uint32 // ms, longest lease that it accepts
	graceMs  uint32 // the setting
	number   uint64 // of the last image of this start
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

func (w *recWorld) wall() time.Time { return time.Unix(0, recWallStart+w.now-w.skew) }

// cleanStop writes the final image, which START names.
func (w *recWorld) cleanStop() {
	w.loseConns()
	w.wholeImage()
	w.images[0].last = true
	w.start.CleanImage = w.images[0].name()
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

// restart starts the server by the plan that a real one makes of its data directory.
func (w *recWorld) restart(how recHow) {
	var img *recImage
	if how.image < len(w.images) {
		img = w.images[how.image]
		w.images = w.images[how.image:]
	}
	f := w.facts()
	f.Former = &w.start
	f.PassedOver = how.image > 0
	if how.copied {
		w.images = slices.Clone(w.images[:min(1, len(w.images))])
		f.Former, f.PassedOver = nil, false
	}
	if img != nil {
		header := img.Header
		f.Image = &header
	}
	w.distort(&f)
	plan := w.decide(f)
	if plan.Leap > 0 {
		w.leapt, w.copyOf = w.serial+1, nil
		if how.copied {
			w.copyOf = img
		}
	}
	exact := img != nil && plan.Recovery.Grace == 0
	w.decided(&plan, img)
	w.startTable(&plan, img)
	w.logf("start %d: tokens from %d, grace %dms, image %s", w.start.Number, w.rel(w.startsAt), w.grace/nsPerMs, w.describe(img))
	if img != nil && w.violation == "" {
		if exact {
			w.checkExact(img)
		}
		w.markShortLeases()
		w.markImaged(img)
	}
	if w.grace == 0 {
		w.tally.ExactStarts++
	}
}

// facts returns what a start knows without a data directory.
func (w *recWorld) facts() RecFacts {
	return RecFacts{Wall: w.wall(), GraceMs: w.graceMs, Seed: recSeed}
}

// decide returns the plan of a start.
func (w *recWorld) decide(f RecFacts) RecPlan {
	plan, err := RecDecide(f)
	if err != nil {
		w.fail("start: %v", err)
	}
	return plan
}

// startTable makes the table and loads the image, if there is one.
func (w *recWorld) startTable(plan *RecPlan, img *recImage) {
	w.serial++
	w.number = 0
	w.known = recKnown{ended: map[recHold]bool{}}
	if img != nil {
		w.known.ended = maps.Clone(img.known.ended)
		if img.Grace {
			w.known.shown, w.known.barred = img.known.shown, img.known.barred
		}
	}
	w.ttlMax, w.grace = w.graceMs, plan.Recovery.Grace
	w.base, w.down, w.settled, w.startsAt = w.now, false, w.grace == 0, plan.Start.TokenStart
	w.table = New(Config{Seed: plan.Start.Seed, TokenStart: w.startsAt, TTLMs: min(1000, w.ttlMax), LocksMax: 1000, WaitersMax: 1000,
		WaitersPerLockMax: 100, Tap: w.tap})
	w.table.SetTokenCeiling(plan.Start.TokenCeiling)
	longest := uint32(0)
	for j, i := range w.shards {
		s := w.table.ShardAt(i)
		from := &codec.ShardImage{Shard: uint8(i)}
		if img != nil {
			from = &img.shards[j]
		}
		if err := s.Import(from, plan.Recovery); err != nil {
			w.fail("import: %v", err)
			return
		}
		if img != nil {
			w.imported(s, img)
		}
		longest = max(longest, s.LongestTTL())
	}
	plan.Loaded(&plan.Start, longest)
	w.start = plan.Start
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
