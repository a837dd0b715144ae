package durability

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"dlm/codec"
	"dlm/engine/snapshot"
	"dlm/table"
)

// openBackup begins or goes on with a backup in the directory.
func openBackup(cfg *Config, dir *snapshot.Dir) (*State, error) {
	if err := checkPrimary(cfg, dir); err != nil {
		return nil, err
	}
	start, err := beginBackup(dir)
	if err != nil {
		return nil, err
	}
	names, err := dir.Images()
	if err != nil {
		return nil, err
	}
	is := &State{Role: Backup, dir: dir, Started: time.Now(), Start: start, TTLMaxMs: codec.TTLMaxMs, Table: cfg.newTable(0, 0)}
	if len(names) == 0 {
		return is, nil
	}
	next, err := is.next(cfg, filepath.Join(dir.Path(), names[0]))
	return next, adviseBackup(err, "remove it: the backup fetches the next one")
}

// beginBackup returns START of a backup's directory, and writes it into a new one.
func beginBackup(dir *snapshot.Dir) (start snapshot.Start, err error) {
	start, err = readStart(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return start, err
	case start.State == snapshot.SteppedDown:
		return start, fmt.Errorf("%s: a backup has taken over from this server. To make it a backup, give it an empty directory; %s",
			dir.Path(), reinstateAdvice(dir.Path()))
	case start.State != snapshot.Following:
		return start, fmt.Errorf("%s: its role is %s, and --backup-of would discard its locks: "+
			"start it without, or give the backup an empty directory", dir.Path(), start.State)
	default:
		return start, nil
	}
	names, err := dir.Images()
	if err != nil {
		return start, err
	}
	if len(names) > 0 {
		return start, fmt.Errorf("%s has images and no START: give a backup an empty directory", dir.Path())
	}
	// A primary knows the backup by the lineage.
	start = snapshot.Start{State: snapshot.Following, Lineage: newLineage()}
	if err := dir.WriteStart(&start); err != nil {
		return start, fmt.Errorf("START can't be written: %w", err)
	}
	return start, nil
}

// checkPrimary refuses a directory from which no image can ever come: the backup's own, or one that
// is no primary's. A directory that does not exist yet may come.
func checkPrimary(cfg *Config, own *snapshot.Dir) error {
	if _, isDir := parseBackupOf(cfg.BackupOf); !isDir {
		return nil
	}
	there, err := os.Stat(cfg.BackupOf)
	if err != nil {
		return nil // the follower reports it
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

// next returns the State of the image at path. It checks all of the image, and that it goes on from
// the present one.
func (s *State) next(cfg *Config, path string) (*State, error) {
	img, err := snapshot.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = img.Close() }() // it was only read
	h := img.Header()
	switch {
	case s.From == "":
	case h.Lineage != s.Header.Lineage:
		return nil, fmt.Errorf("%s: the primary serves another table now. To follow it, give this backup an empty directory%s",
			path, s.raisePrimary(h.TokenCeiling))
	case !h.Newer(&s.Header):
		return nil, fmt.Errorf("%s: it is not newer than the image in the directory%s", path, s.raisePrimary(h.TokenCeiling))
	}
	n := &State{Role: Backup, dir: s.dir, Started: s.Started, Start: s.Start, TTLMaxMs: s.TTLMaxMs,
		From: snapshot.FileName(h.Start, h.Number), Header: h, begun: h.TableTime, Holds: int(h.Holds)}
	n.know(time.Unix(0, h.WallTime)) // unless the primary knows better
	n.Start.TokenCeiling = s.LargestToken()
	n.Table = cfg.newTable(h.Seed, h.TokenCeiling)
	return n, img.Each(func(part *codec.ShardImage) error {
		return n.Table.ShardAt(int(part.Shard)).Import(part, table.Recovery{ImageTime: h.TableTime, Now: h.TableTime})
	})
}
