package durability

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"dlm/engine/snapshot"
)

// sharedDir is a primary's data directory that both can reach.
type sharedDir struct {
	path string
	id   snapshot.Lineage // of the backup
}

// check returns why no image for this backup can come from the directory; nil: it is that of a
// primary, or of one that has handed over to this backup.
func (d sharedDir) check() error {
	start, err := snapshot.ReadStart(d.path)
	switch {
	case err != nil:
		return err
	case start.State == snapshot.Following:
		return fmt.Errorf("%s is the directory of a backup: follow its primary", d.path)
	case start.State == snapshot.SteppedDown && start.Successor != d.id && start.Successor != snapshot.Lineage{}:
		return fmt.Errorf("another backup has taken over from %s: follow that one", d.path)
	}
	return nil
}

func (d sharedDir) fetch(_ context.Context, have *snapshot.Header, dir string) (got fetched, err error) {
	switch err := d.check(); {
	case errors.Is(err, fs.ErrNotExist):
		return got, fmt.Errorf("%s is no data directory: no server has started with it (%w)", d.path, err)
	case err != nil:
		return got, err
	}
	names, err := snapshot.Images(d.path)
	if err != nil || len(names) == 0 {
		return got, err
	}
	from, err := os.Open(filepath.Join(d.path, names[0]))
	if err != nil {
		return got, err
	}
	defer func() { _ = from.Close() }() // it was only read
	info, err := from.Stat()
	if err != nil {
		return got, err
	}
	got.asOf = info.ModTime()
	if have != nil && names[0] == snapshot.FileName(have.Start, have.Number) {
		return got, nil
	}
	if err := checkRoom(info.Size(), dir); err != nil {
		return got, err
	}
	path := filepath.Join(dir, fetchName)
	if err := receive(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, from); err != nil {
		return got, err
	}
	got.path = path
	return got, nil
}

// stepDown takes the lock of the directory, which the primary holds while it runs,
// and makes sure that it is not started again.
func (d sharedDir) stepDown(context.Context, string) (string, error) {
	dir, err := snapshot.OpenDir(d.path)
	if err != nil {
		return "", err
	}
	start, err := snapshot.ReadStart(dir.Path())
	switch {
	case err != nil:
	case start.State == snapshot.Following:
		err = refusal{fmt.Errorf("%s is the directory of a backup: its stop does not prove that the primary has stopped", d.path)}
	case start.State == snapshot.SteppedDown && start.Successor != d.id && start.Successor != snapshot.Lineage{}:
		err = refusal{fmt.Errorf("another backup has taken over from %s", d.path)}
	default:
		start.State, start.Successor = snapshot.SteppedDown, d.id
		err = dir.WriteStart(&start)
	}
	return start.CleanImage, errors.Join(err, dir.Close())
}
