package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"dlm/codec"
	"dlm/engine/durability"
	"dlm/engine/snapshot"
)

// A data directory knows how far fencing tokens have come. Promotions put them ahead of the wall
// clock, with which an empty directory would begin. So each message that leads to an empty
// directory names the --token-floor to begin it with.

// floorAfter returns a --token-floor for what is begun in the place of the directory: above all
// tokens that it knows of, and above those of a backup that was promoted
// from its last images within the last days.
func floorAfter(dir *snapshot.Dir) codec.Token {
	known := durability.WallToken(time.Now())
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
	return min(known+2*durability.TokenLeap, durability.TokenFloorMax)
}

// beginAnew tells how to go on without what is in the directory.
func beginAnew(dir *snapshot.Dir) string {
	return fmt.Sprintf("to begin anew, when no client is left that holds a lock: give an empty --data-dir, and --token-floor %d "+
		"so that tokens go on rising", floorAfter(dir))
}

// readStart is snapshot.ReadStart with advice for a damaged file. Without a file the error is
// fs.ErrNotExist.
func readStart(dir *snapshot.Dir) (snapshot.Start, error) {
	start, err := snapshot.ReadStart(dir.Path())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w; %s", err, beginAnew(dir))
	}
	return start, err
}

// largestKnown returns the largest token that a backup knows to have been possible.
func (r *recovered) largestKnown() codec.Token {
	return max(r.start.TokenCeiling, r.header.TokenCeiling)
}

// behind reports whether the image that a backup serves is of a primary whose tokens are below
// others that the backup knows of.
func (r *recovered) behind() bool { return r.start.TokenCeiling > r.header.TokenCeiling }

// raisePrimary tells, if a primary gives tokens up to there only, what to do about it.
func (r *recovered) raisePrimary(to codec.Token) string {
	if known := r.largestKnown(); known > to {
		return fmt.Sprintf("; its tokens end at %d, and this backup has seen those up to %d: "+
			"start the primary with --token-floor %d, so that a resource does not refuse its holders", to, known, known)
	}
	return ""
}

// warnBehind warns when the primary has begun to give smaller tokens than the backup has seen. A
// primary does so after its directory was restored from a copy. The backup keeps what it knows, so
// that a promotion goes on above it.
func (f *follower) warnBehind(was, is *recovered) {
	if !is.behind() || was.behind() && was.start.TokenCeiling == is.start.TokenCeiling {
		return
	}
	f.e.cfg.Log.Warn("the primary gives smaller fencing tokens than this backup has seen" + is.raisePrimary(is.header.TokenCeiling))
	if err := f.dir.WriteStart(&is.start); err != nil {
		f.e.cfg.Log.Warn("START can't be written: after a restart this backup will not know of larger tokens", "error", err.Error())
	}
}
