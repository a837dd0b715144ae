package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"dlm/codec"
	"dlm/engine/snapshot"
	"dlm/table"
)

// source is where a backup gets images from.
type source interface {
	// fetch brings an image newer than have into the directory, under a name of
	// its own choice.
	fetch(ctx context.Context, have *snapshot.Header, dir string) (fetched, error)
	// depose makes the primary stop for good, by the right of an admin's token, and
	// returns the name of the last image, if it has written one. errGone: there is
	// no primary any more.
	depose(ctx context.Context, token string) (last string, err error)
}

// fetched is what a source has answered.
type fetched struct {
	path string    // of a newer image; empty: there is none
	asOf time.Time // when the primary's table was known to be as in its newest image; zero: not known
}

// errGone says that a primary is certainly not running.
var errGone = errors.New("the primary is gone")

// follower keeps a backup's table like that of its primary.
type follower struct {
	e      *Engine
	dir    *snapshot.Dir
	source source

	tries   repeated           // of the goroutine "follower"
	waiting bool               // it is told that the primary has no image yet; of the goroutine "follower"
	stop    context.CancelFunc // of run; set before it starts
	stopped chan struct{}      // closed when run has ended

	mu       sync.Mutex
	failures uint64    // guarded by mu
	err      error     // of the last try; guarded by mu
	asked    time.Time // when the primary last answered; guarded by mu
}

// openBackup begins or goes on with a backup in the directory.
func openBackup(cfg *Config, dir *snapshot.Dir) (*recovered, error) {
	if err := checkPrimary(cfg, dir); err != nil {
		return nil, err
	}
	start, err := readStart(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		names, err := dir.Images()
		if err != nil {
			return nil, err
		}
		if len(names) > 0 {
			return nil, fmt.Errorf("%s has images and no START: give a backup an empty directory", dir.Path())
		}
		start = snapshot.Start{Role: snapshot.Following, Lineage: newLineage()} // its own, by which a primary knows it
		if err := dir.WriteStart(&start); err != nil {
			return nil, fmt.Errorf("START can't be written: %w", err)
		}
	case err != nil:
		return nil, err
	case start.Role == snapshot.Deposed:
		return nil, fmt.Errorf("%s: a backup has taken over from it: to make this server a backup, give it an empty directory; %s", dir.Path(), wayBack(dir.Path()))
	case start.Role != snapshot.Following:
		return nil, fmt.Errorf("%s: its role is %s, and --backup-of would throw away what it has: "+
			"start it without, or give the backup an empty directory", dir.Path(), start.Role)
	}
	names, err := dir.Images()
	if err != nil {
		return nil, err
	}
	rec := &recovered{follows: true, dir: dir, started: time.Now(), start: start, ttlMax: codec.TTLMaxMs,
		table: newTable(cfg, 0, 0)}
	if len(names) == 0 {
		return rec, nil
	}
	next, err := rec.next(cfg, filepath.Join(dir.Path(), names[0]))
	return next, adviseBackup(err, "remove it: the backup fetches the next one")
}

// checkPrimary refuses a directory from which no image can ever come: the backup's own, or one
// that is no primary's. One that is not there yet may come.
func checkPrimary(cfg *Config, own *snapshot.Dir) error {
	if _, isDir := parseBackupOf(cfg.BackupOf); !isDir {
		return nil
	}
	there, err := os.Stat(cfg.BackupOf)
	if err != nil {
		return nil // it is told when an image is fetched
	}
	here, err := os.Stat(own.Path())
	if err != nil {
		return err
	}
	if os.SameFile(here, there) {
		return fmt.Errorf("--backup-of %s is the backup's own --data-dir: give the backup an empty directory", cfg.BackupOf)
	}
	id := snapshot.Lineage{} // of a backup that has begun
	if start, err := snapshot.ReadStart(own.Path()); err == nil {
		id = start.Lineage
	}
	if err := (sharedDir{cfg.BackupOf, id}).check(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--backup-of: %w", err)
	}
	return nil
}

// adviseBackup replaces the advice for a damaged image, which is for a primary.
func adviseBackup(err error, advice string) error {
	if file := (*snapshot.FileError)(nil); errors.As(err, &file) {
		file.Advice = advice
	}
	return err
}

// next returns what is served after the image at path has been loaded. It checks
// all of the image, and that it goes on from the present one.
func (r *recovered) next(cfg *Config, path string) (*recovered, error) {
	img, err := snapshot.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = img.Close() }() // it was only read
	h := img.Header()
	switch {
	case r.from == "":
	case h.Lineage != r.header.Lineage:
		return nil, fmt.Errorf("%s: the primary has another table now; give this backup an empty directory to follow it%s", path, r.raisePrimary(h.TokenCeiling))
	case !h.Newer(&r.header):
		return nil, fmt.Errorf("%s: it is not newer than the image that is there%s", path, r.raisePrimary(h.TokenCeiling))
	}
	n := &recovered{follows: true, dir: r.dir, started: r.started, start: r.start, ttlMax: r.ttlMax,
		from: snapshot.FileName(h.Start, h.Number), header: h, begun: h.TableTime, holds: int(h.Holds)}
	n.know(time.Unix(0, h.WallTime)) // unless the primary tells more
	n.start.TokenCeiling = max(r.start.TokenCeiling, r.header.TokenCeiling)
	n.table = newTable(cfg, h.Seed, h.TokenCeiling)
	return n, img.Each(func(s *codec.ShardImage) error {
		return n.table.ShardAt(int(s.Shard)).Import(s, table.Recovery{ImageTime: h.TableTime, Now: h.TableTime})
	})
}

// run follows until ctx ends.
func (f *follower) run(ctx context.Context) {
	defer close(f.stopped)
	for {
		err := f.step(ctx)
		f.mu.Lock()
		if f.err = err; err != nil && ctx.Err() == nil {
			f.failures++
		}
		f.mu.Unlock()
		f.log(ctx, err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(f.e.cfg.SnapshotInterval):
		}
	}
}

// log tells of a try, if it is news.
func (f *follower) log(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err == nil && f.tries.succeeded():
		f.e.cfg.Log.Info("the primary gives images again", "primary", f.e.cfg.BackupOf)
	case err != nil && f.tries.failed(err, time.Now()):
		f.e.cfg.Log.Warn("no image from the primary; each interval tries again", "error", err.Error())
	}
}

// step brings the next image, if there is one, checks it, and serves it.
func (f *follower) step(ctx context.Context) error {
	now := f.e.served.Load()
	var have *snapshot.Header
	if now.from != "" {
		have = &now.header
	}
	if err := f.dir.Check(); err != nil {
		return err
	}
	got, err := f.source.fetch(ctx, have, f.dir.Path())
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.asked = time.Now()
	f.mu.Unlock()
	if got.path == "" {
		if now.from != "" && !got.asOf.IsZero() {
			now.confirm(got.asOf)
		}
		if now.from == "" && !f.waiting {
			f.waiting = true
			f.e.cfg.Log.Warn("the primary has no image yet: there is nothing to promote before the first", "primary", f.e.cfg.BackupOf)
		}
		return nil
	}
	next, err := now.next(&f.e.cfg, got.path)
	if err != nil {
		return errors.Join(adviseBackup(err, "it is fetched again: if that does not help, see whether this is a primary's address"), f.dir.Discard(got.path))
	}
	if err := f.dir.Adopt(got.path, next.from); err != nil {
		return err
	}
	if !got.asOf.IsZero() {
		next.know(got.asOf)
	}
	f.e.served.Store(next)
	f.warnBehind(now, next)
	f.e.retain(f.dir)
	return nil
}

func (f *follower) describe() string {
	now := f.e.served.Load()
	line := fmt.Sprintf("backup of %s, images in %s", f.e.cfg.BackupOf, f.e.cfg.DataDir)
	if now.from == "" {
		return line + "; none yet"
	}
	return line + fmt.Sprintf("; %d holds from %s, %v old", now.holds, now.from, now.staleness().Round(time.Millisecond))
}

// info writes the lines of INFO.
func (f *follower) info(b []byte) []byte {
	now := f.e.served.Load()
	f.mu.Lock()
	defer f.mu.Unlock()
	b = infoLine(b, "durability", "backup")
	b = infoLine(b, "backup_of", f.e.cfg.BackupOf)
	b = infoLine(b, "image", now.from)
	b = infoLine(b, "image_holds", now.header.Holds)
	b = infoLine(b, "token_ceiling", uint64(now.largestKnown()))
	if now.from != "" {
		b = infoLine(b, "image_age_ms", now.staleness().Milliseconds())
	}
	if !f.asked.IsZero() {
		b = infoLine(b, "primary_answered_ms_ago", time.Since(f.asked).Milliseconds())
	}
	b = infoLine(b, "image_failures", f.failures)
	if f.err != nil {
		b = infoLine(b, "image_last_error", oneLine(f.err))
	}
	return b
}
