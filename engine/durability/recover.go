package durability

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync/atomic"
	"time"

	"dlm/codec"
	"dlm/engine/snapshot"
	"dlm/table"
)

// openPrimary is a start from a directory.
func openPrimary(cfg *Config, dir *snapshot.Dir) (*State, error) { return recoverFrom(cfg, dir, nil) }

// recoverFrom carries a plan out: it loads the image that a start begins with, and writes START. A
// backup that is promoted does the same.
func recoverFrom(cfg *Config, dir *snapshot.Dir, promote *Promotion) (*State, error) {
	facts := Facts{Promotion: promote, TokenFloor: cfg.TokenFloor, GraceMs: cfg.graceMs(),
		Lineage: newLineage(), Seed: cfg.hashSeed()}
	former, err := readStart(dir)
	switch {
	case err == nil:
		facts.Former = &former
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if !facts.Startable() {
		return nil, notStartable(dir, former.State)
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
	s := &State{Role: Primary, dir: dir, Started: cfg.Wall(), newDir: facts.Former == nil && img == nil}
	if s.newDir {
		cfg.Log.Warn("the data directory is new, so no lock is held. If it was used before, check that its volume is mounted; "+
			"if it was emptied, give --token-floor so that tokens keep rising", "event", "new-directory", "directory", dir.Path())
	}
	facts.Wall = s.Started
	plan, err := Decide(&facts)
	if err != nil {
		if img != nil {
			err = fmt.Errorf("%s: %w", img.Path(), err)
		}
		return nil, err
	}
	if err := s.load(cfg, &plan, img); err != nil {
		return nil, err
	}
	if err := dir.WriteStart(&s.Start); err != nil {
		return nil, fmt.Errorf("START can't be written, so tokens could repeat after a restart: %w", err)
	}
	return s, nil
}

// notStartable is the error of a start as a primary from a directory that is none's.
func notStartable(dir *snapshot.Dir, is snapshot.ServerState) error {
	advice := "a backup follows here: give --backup-of, or promote the backup while it runs (dlm promote)"
	if is == snapshot.SteppedDown {
		advice = "a backup has taken over from it: clients must use that one; to make this a backup, empty the directory " +
			"and give --backup-of; " + reinstateAdvice(dir.Path()) + "; " + beginAnew(dir)
	}
	return fmt.Errorf("%s: its role is %s: %s", dir.Path(), is, advice)
}

// load makes the table of the plan, with the holds of the image.
func (s *State) load(cfg *Config, plan *Plan, img *snapshot.Image) error {
	if img != nil {
		s.Header = img.Header()
		s.know(time.Unix(0, s.Header.WallTime))
	}
	s.From, s.Grace, s.begun = plan.From, plan.Grace, plan.Begun
	s.Table = cfg.newTable(plan.Start.Seed, plan.Start.TokenStart)
	s.Table.SetTokenCeiling(plan.Start.TokenCeiling)
	longest, err := s.fill(plan.Recovery(&s.Header), img)
	s.Holds = s.Table.Totals().Held
	plan.Loaded(longest)
	s.Start = plan.Start
	s.limitTTL(s.Start.TTLLimitMs) // what holders were given may be claimed, and renewed
	return err
}

// fill imports the image into the table, and returns the longest TTL of its holds in ms. Without an
// image the shards learn that there is a grace.
func (s *State) fill(how table.Recovery, img *snapshot.Image) (longestMs uint32, err error) {
	if img == nil {
		var empty codec.ShardImage
		for i := range table.Shards {
			empty.Reset(uint8(i), 0, 0)
			if err := s.Table.ShardAt(i).Import(&empty, how); err != nil {
				return 0, err
			}
		}
		return 0, nil
	}
	var longest atomic.Uint32
	err = img.Each(func(part *codec.ShardImage) error {
		shard := s.Table.ShardAt(int(part.Shard))
		if err := shard.Import(part, how); err != nil {
			return fmt.Errorf("%s: shard %d: %w", img.Path(), part.Shard, err)
		}
		ttl := shard.LongestTTL()
		for was := longest.Load(); ttl > was && !longest.CompareAndSwap(was, ttl); was = longest.Load() {
		}
		return nil
	})
	return longest.Load(), err
}
