package durability

import (
	"errors"
	"fmt"
	"time"

	"dlm/codec"
	"dlm/engine/snapshot"
	"dlm/table"
)

const (
	// loadBase and loadPerHold are more than a promotion takes to load an image: 10 million holds
	// took 1 to 2.3 s.
	loadBase    = 100 * time.Millisecond
	loadPerHold = 400 * time.Nanosecond
)

// Facts is all that a start knows before it decides. All fields are plain values.
type Facts struct {
	Former     *snapshot.Start  // START of the start before; nil: the directory has none
	Image      *snapshot.Header // of the image to start from; nil: the directory has none
	ImageName  string           // its file name
	PassedOver bool             // a newer image was damaged
	Promotion  *Promotion       // nil: a start of a process
	Wall       time.Time        // wall clock
	TokenFloor codec.Token      // setting: all tokens of the start are above it
	GraceMs    uint32           // setting: recovery grace, and the longest TTL
	Lineage    snapshot.Lineage // random, for a table that begins here
	Seed       uint64           // random, for the same
}

// Promotion is what a backup knows that becomes the primary.
type Promotion struct {
	Now  int64  // table time, ns
	Last string // name of the primary's last image, which nothing followed; empty: not known
}

// Plan is what a start does.
type Plan struct {
	Start snapshot.Start // to be on disk before anything is served
	From  string         // file name of the image; empty: none
	Grace time.Duration  // how long holders show their tokens; 0: the image is exact
	Begun int64          // table time when the grace and the leases begin, ns
	Leap  codec.Token    // part of TokenStart that sets the start apart from others
}

// Startable reports whether a process may serve as a primary from the directory. A backup's
// directory may only by a promotion. A directory that was handed over never may.
func (f *Facts) Startable() bool {
	return f.Former == nil || f.Former.State == snapshot.Primary || f.Promotion != nil
}

// Decide returns the plan of a start, by these rules:
//
//  1. The image has its own name, and is of START's table. A promotion has another START.
//  2. Tokens begin above the wall clock, the floor, and the ceilings of START and of the image.
//  3. They leap ahead if others may have started from the image too.
//  4. The start number is above those of START and of the image.
//  5. The image is exact if START names it as that of a clean stop, it is of the very start before,
//     and nobody else can have started from it. It is exact for a promotion if the primary has
//     confirmed it as its last. An image of a grace is never exact.
//  6. Without an exact image there is a grace, as long as any lease can be that was given.
//  7. START keeps that length of a lease for the next start, because a holder that has not spoken
//     within the grace is on no record.
//
// DESIGN.md says which failure each rule prevents.
func Decide(f *Facts) (Plan, error) {
	if !f.Startable() {
		panic("BUG: a start as a primary with the role " + string(f.Former.State))
	}
	if err := f.belongs(); err != nil {
		return Plan{}, err
	}
	p := Plan{Start: snapshot.Start{Lineage: f.Lineage, Seed: f.Seed, State: snapshot.Primary}}
	s := &p.Start
	tokens, ttlMs := max(WallToken(f.Wall), f.TokenFloor), uint32(0)
	if former := f.Former; former != nil {
		s.Lineage, s.Seed, s.Number = former.Lineage, former.Seed, former.Number
		tokens, ttlMs = max(tokens, former.TokenCeiling), former.TTLLimitMs
	}
	if h := f.Image; h != nil {
		p.From = f.ImageName
		s.Lineage, s.Seed, s.Number = h.Lineage, h.Seed, max(s.Number, h.Start)
		tokens, ttlMs = max(tokens, h.TokenCeiling), max(ttlMs, h.TTLLimitMs)
	}
	if f.copied() {
		p.Leap = f.leap()
	}
	s.Number++
	s.TokenStart = tokens + p.Leap
	s.TokenCeiling = s.TokenStart + TokenReserve
	s.TTLLimitMs = f.GraceMs
	if known := f.Former != nil || f.Image != nil; known && !f.clean() {
		s.TTLLimitMs = max(s.TTLLimitMs, ttlMs)
		if !f.handedOver() {
			p.Grace = time.Duration(max(f.GraceMs, ttlMs)) * time.Millisecond
		}
	}
	if f.Promotion != nil && f.Image != nil {
		// Leases must not run while the image is loaded.
		p.Begun = f.Promotion.Now + int64(loadBase+time.Duration(f.Image.Holds)*loadPerHold)
	}
	if s.TokenCeiling > codec.TokenMax {
		return Plan{}, noTokensLeft(s.TokenStart)
	}
	return p, nil
}

// belongs returns an error if the image has another name than its own, or if START, which must be
// the primary's, is of another table.
func (f *Facts) belongs() error {
	h := f.Image
	if h == nil {
		return nil
	}
	if f.Former != nil && f.Promotion == nil && h.Lineage != f.Former.Lineage {
		return errors.New("it belongs to another table than START: move it away")
	}
	if own := snapshot.FileName(h.Start, h.Number); f.ImageName != own {
		return fmt.Errorf("it is image %d of start %d under another name: rename it to %s",
			h.Number, h.Start, own)
	}
	return nil
}

// copied reports whether others may have started from the image too.
func (f *Facts) copied() bool {
	return f.Promotion != nil || f.PassedOver ||
		f.Image != nil && (f.Former == nil || f.Image.Start > f.Former.Number)
}

// clean reports whether the image was the last act of a clean stop of the very start before.
func (f *Facts) clean() bool {
	return f.Image != nil && f.Former != nil && f.Former.CleanImage == f.ImageName &&
		f.Image.Start == f.Former.Number && !f.Image.Grace && !f.copied()
}

// handedOver reports whether the primary has confirmed the image as its last, to the backup that
// is promoted.
func (f *Facts) handedOver() bool {
	return f.Promotion != nil && f.Image != nil && f.Promotion.Last == f.ImageName && !f.Image.Grace
}

// Loaded completes the plan when the image is loaded, with the longest TTL of its holds in ms. They
// keep a TTL that was given when a longer one was allowed.
func (p *Plan) Loaded(longestMs uint32) {
	p.Start.TTLLimitMs = max(p.Start.TTLLimitMs, longestMs)
}

// Recovery returns what becomes of the holds of the image.
func (p *Plan) Recovery(image *snapshot.Header) table.Recovery {
	r := table.Recovery{Grace: int64(p.Grace), Now: p.Begun}
	if image != nil {
		r.ImageTime = image.TableTime
	}
	return r
}
