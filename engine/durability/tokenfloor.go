package durability

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"dlm/codec"
	"dlm/engine/snapshot"
)

// A data directory knows how far fencing tokens have come. Promotions put them ahead of the wall
// clock, and an empty directory would begin with the clock. So each message that leads to an empty
// directory names the --token-floor to begin it with.

// floorAfter returns a --token-floor for a table that is begun in the place of the directory. It is
// above all tokens that the directory knows of, and above those of a backup that was promoted from
// its last images within the last days.
func floorAfter(dir *snapshot.Dir) codec.Token {
	known := WallToken(time.Now())
	if start, err := snapshot.ReadStart(dir.Path()); err == nil {
		known = max(known, start.TokenCeiling)
	}
	names, _ := dir.Images() // none can be read: the clock is what is left
	for _, name := range names {
		if img, err := snapshot.Open(filepath.Join(dir.Path(), name)); err == nil {
			known = max(known, img.Header().TokenCeiling)
			_ = img.Close() // it was only read
		}
	}
	return min(known+2*TokenLeap, TokenFloorMax)
}

// beginAnew returns advice on how to go on without the directory.
func beginAnew(dir *snapshot.Dir) string {
	return fmt.Sprintf("to start anew, once no client holds a lock: give an empty --data-dir and --token-floor %d "+
		"so that tokens go on rising", floorAfter(dir))
}

// readStart is snapshot.ReadStart with advice for a damaged file. Without a file the error is
// fs.ErrNotExist.
func readStart(dir *snapshot.Dir) (snapshot.Start, error) {
	start, err := snapshot.ReadStart(dir.Path())
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, snapshot.ErrVersion) {
		err = fmt.Errorf("%w; %s", err, beginAnew(dir))
	}
	return start, err
}

// lags reports whether the image that a backup serves is of a primary whose tokens are below
// others that the backup knows of.
func (s *State) lags() bool { return s.Start.TokenCeiling > s.Header.TokenCeiling }

// raisePrimary returns what to do about a primary whose tokens end at to, if the backup has seen
// larger ones.
func (s *State) raisePrimary(to codec.Token) string {
	if known := s.LargestToken(); known > to {
		return fmt.Sprintf("; its largest token is %d, and this backup has seen tokens up to %d: "+
			"start the primary with --token-floor %d, or resources refuse its holders", to, known, known)
	}
	return ""
}

// warnOfLag warns when the primary has begun to give smaller tokens than the backup has seen. A
// primary does so after its directory was restored from a copy. The backup keeps what it knows, so
// that a promotion goes on above it.
func (f *follower) warnOfLag(was, is *State) {
	if !is.lags() || was.lags() && was.Start.TokenCeiling == is.Start.TokenCeiling {
		return
	}
	log := f.s.cfg.Log
	log.Warn("the primary gives smaller fencing tokens than this backup has seen"+is.raisePrimary(is.Header.TokenCeiling), "event", "tokens-lag")
	if err := is.dir.WriteStart(&is.Start); err != nil {
		log.Warn("START can't be written: after a restart this backup will not know of larger tokens", "event", "start-not-written", "error", err.Error())
	}
}
