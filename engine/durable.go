package engine

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync/atomic"
	"time"

	"dlm/codec"
	"dlm/engine/durability"
	"dlm/engine/snapshot"
	"dlm/table"
)

// recovered is what a data directory gave to start with, or a new table.
type recovered struct {
	table  *table.Table
	dir    *snapshot.Dir  // nil: memory only
	start  snapshot.Start // as it stands on disk
	from   string         // image; empty: none
	header snapshot.Header
	holds  int
	grace  time.Duration // 0: none
	begun  int64         // table time when the grace began
	ttlMax uint32        // ms
	// ttlReason refuses a longer TTL, in words that are made once: clients cause many.
	ttlReason string
	started   time.Time
	newDir    bool         // dir had neither START nor an image
	asOf      atomic.Int64 // when the table was known to be as in the image, ns after started; later ones for a backup only
	asFirst   int64        // the same, when the image was loaded
	follows   bool         // a backup's: it stands still, and is replaced by the next image's
}

// openTable makes the table, from the data directory if there is one.
func openTable(cfg *Config) (*recovered, error) {
	if cfg.DataDir == "" {
		return fresh(cfg), nil
	}
	dir, err := snapshot.OpenDir(cfg.DataDir)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	var rec *recovered
	if cfg.BackupOf != "" {
		rec, err = openBackup(cfg, dir)
	} else {
		rec, err = recoverFrom(cfg, dir, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("recovery: %w", errors.Join(err, dir.Close()))
	}
	return rec, nil
}

// fresh makes a table for memory only.
func fresh(cfg *Config) *recovered {
	now := time.Now()
	return &recovered{table: newTable(cfg, secretSeed(), max(durability.WallToken(now), cfg.TokenFloor)), ttlMax: codec.TTLMaxMs, started: now}
}

func newTable(cfg *Config, seed uint64, tokenStart codec.Token) *table.Table {
	return table.New(table.Config{
		Shared:            cfg.Loops > 1,
		Seed:              seed,
		TokenStart:        tokenStart,
		TTLMs:             uint32(cfg.Lease.Milliseconds()),
		LocksMax:          cfg.LocksMax,
		WaitersMax:        cfg.WaitersMax,
		WaitersPerLockMax: cfg.WaitersPerLockMax,
		Tap:               cfg.Tap,
	})
}

// recoverFrom loads the newest image of the directory, and writes START. The rules
// are told in DESIGN.md.
//
// A backup that is promoted goes the same way, at the table time now; exact is
// the header of the image that its primary has written last, if that confirmed its end.
func recoverFrom(cfg *Config, dir *snapshot.Dir, promote *durability.Promotion) (*recovered, error) {
	facts := durability.Facts{Promotion: promote, TokenFloor: cfg.TokenFloor, GraceMs: uint32(cfg.RecoveryGrace.Milliseconds()),
		Lineage: newLineage(), Seed: secretSeed()}
	former, err := readStart(dir)
	known := err == nil
	if known {
		facts.Former = &former
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if !facts.Startable() {
		advice := roleAdvice[former.Role]
		if former.Role == snapshot.Deposed {
			advice += "; " + wayBack(dir.Path()) + "; " + beginAnew(dir)
		}
		return nil, fmt.Errorf("%s: its role is %s: %s", dir.Path(), former.Role, advice)
	}
	img, older, err := openNewest(cfg, dir)
	if err != nil {
		return nil, err
	}
	facts.PassedOver = older
	if img != nil {
		defer func() { _ = img.Close() }() // it was only read
		header := img.Header()
		facts.Image, facts.ImageName = &header, filepath.Base(img.Path())
	}
	rec := &recovered{dir: dir, started: cfg.now(), newDir: !known && img == nil}
	if rec.newDir {
		cfg.Log.Warn("the data directory is new, and no lock is held: if it was used before, see whether its volume is mounted; "+
			"if it was emptied, --token-floor keeps tokens rising", "directory", dir.Path())
	}
	facts.Wall = rec.started
	plan, err := durability.Decide(&facts)
	if err != nil {
		return nil, about(img, err)
	}
	if err := rec.load(cfg, &plan, img); err != nil {
		return nil, err
	}
	if err := dir.WriteStart(&rec.start); err != nil {
		return nil, fmt.Errorf("START can't be written, and without it no token is safe: %w", err)
	}
	return rec, nil
}

// limitTTL sets the longest TTL that a command may ask for.
func (r *recovered) limitTTL(ms uint32) {
	r.ttlMax = ms
	if r.table != nil {
		r.table.SetTTLMax(ms)
	}
	r.ttlReason = fmt.Sprintf("no TTL may be longer than %d ms here: a start after a crash waits for so long for holders (recovery-grace)", ms)
}

// about adds the path of the image to an error.
func about(img *snapshot.Image, err error) error {
	if img == nil {
		return err
	}
	return fmt.Errorf("%s: %w", img.Path(), err)
}

var roleAdvice = map[snapshot.Role]string{
	snapshot.Following: "a backup follows here: give --backup-of, or promote the backup while it runs (dlm promote)",
	snapshot.Deposed:   "a backup has taken over from it: clients must use that one; to make this a backup, empty the directory and give --backup-of",
}

// load makes the table of the plan, with the holds of the image.
func (r *recovered) load(cfg *Config, plan *durability.Plan, img *snapshot.Image) error {
	if img != nil {
		r.header = img.Header()
		r.know(time.Unix(0, r.header.WallTime))
	}
	r.from, r.grace, r.begun = plan.From, plan.Grace, plan.Begun
	r.table = newTable(cfg, plan.Start.Seed, plan.Start.TokenStart)
	r.table.SetTokenCeiling(plan.Start.TokenCeiling)
	longest, err := r.fill(plan.Recovery(&r.header), img)
	r.holds = r.table.Totals().Held
	plan.Loaded(longest)
	r.start = plan.Start
	r.limitTTL(r.start.TTLLimitMs) // what holders were given may be claimed, and renewed
	return err
}

// fill imports the image into the table, and returns the longest TTL of its holds in ms. Without an
// image the shards learn that there is a grace.
func (r *recovered) fill(how table.Recovery, img *snapshot.Image) (longestMs uint32, err error) {
	if img == nil {
		var empty codec.ShardImage
		for i := range table.Shards {
			empty.Reset(uint8(i), 0, 0)
			if err := r.table.ShardAt(i).Import(&empty, how); err != nil {
				return 0, err
			}
		}
		return 0, nil
	}
	var longest atomic.Uint32
	err = img.Each(func(s *codec.ShardImage) error {
		shard := r.table.ShardAt(int(s.Shard))
		if err := shard.Import(s, how); err != nil {
			return fmt.Errorf("%s: shard %d: %w", img.Path(), s.Shard, err)
		}
		ttl := shard.LongestTTL()
		for was := longest.Load(); ttl > was && !longest.CompareAndSwap(was, ttl); was = longest.Load() {
		}
		return nil
	})
	return longest.Load(), err
}

func newLineage() (l snapshot.Lineage) {
	rand.Read(l[:]) // never fails (crypto/rand)
	return l
}

// describe says in words where the table comes from.
func (r *recovered) describe() string {
	switch {
	case r.newDir:
		return "the directory is new: no lock is held"
	case r.from == "":
		return "nothing to recover: the last start left no image"
	case r.grace == 0:
		return fmt.Sprintf("%d holds as they were at the clean stop, from %s", r.holds, r.from)
	}
	age := r.started.Sub(time.Unix(0, r.header.WallTime)).Round(time.Millisecond)
	if age < 0 {
		return fmt.Sprintf("%d holds from %s, begun %v after this start by the wall clock, which was set back", r.holds, r.from, -age)
	}
	return fmt.Sprintf("%d holds from %s, begun %v before this start", r.holds, r.from, age)
}

// graceLeft returns how much of the recovery grace is left at table time now.
func (r *recovered) graceLeft(now int64) time.Duration {
	if r.grace == 0 {
		return 0
	}
	return max(0, r.grace-time.Duration(max(0, now-r.begun)))
}

// timeAt returns the table time at which lookups are made: that of the image in a backup.
func (r *recovered) timeAt(now int64) int64 {
	if r.follows {
		return r.begun
	}
	return now
}

// Durability says in one line what a crash would cost, and what was recovered.
func (e *Engine) Durability() string {
	if f := e.follower.Load(); f != nil {
		return f.describe()
	}
	if e.imager.Load() == nil {
		return "memory only: locks are lost when the server stops; tokens still grow"
	}
	line := fmt.Sprintf("image of the locks every %v in %s; %s", e.cfg.SnapshotInterval, e.cfg.DataDir, e.served.Load().describe())
	if e.served.Load().grace > 0 {
		line += fmt.Sprintf("; grace until %s: holders show their tokens, nothing is granted",
			time.Now().Add(e.served.Load().graceLeft(e.clock.Now())).Format(time.TimeOnly))
	}
	return line
}
