package snapshot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const lockName = "LOCK"

// Dir is a data directory that only this process uses.
type Dir struct {
	path string
	lock *os.File
}

// OpenDir locks the directory, which it makes if there is none. It returns an error if another
// process has it.
func OpenDir(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		pid := make([]byte, 20)
		n, _ := lock.Read(pid) // for the message only
		err = fmt.Errorf("%s is in use by another process (pid %s): give each server a directory of its own",
			path, strings.TrimSpace(string(pid[:n])))
		return nil, errors.Join(err, lock.Close())
	}
	d := &Dir{path, lock}
	if err := errors.Join(d.Check(), d.signLock(), d.removePartial()); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// signLock writes the pid into the lock file, for people.
func (d *Dir) signLock() error {
	if err := d.lock.Truncate(0); err != nil {
		return err
	}
	_, err := d.lock.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	return err
}

// removePartial removes the images that an earlier process did not finish.
func (d *Dir) removePartial() error {
	left, err := filepath.Glob(filepath.Join(d.path, "*"+partial))
	for _, name := range left {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// Path returns the name of the directory.
func (d *Dir) Path() string { return d.path }

// Images returns the names of the images, the newest first.
func (d *Dir) Images() ([]string, error) { return Images(d.path) }

// Images returns the names of the images in a directory, the newest first.
func Images(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if IsName(e.Name()) {
			names = append(names, e.Name())
		}
	}
	slices.Reverse(names) // ReadDir sorts them
	return names, nil
}

// IsName reports whether an image can have that name.
func IsName(name string) bool {
	var start, number uint64
	n, _ := fmt.Sscanf(name, "image-%d-%d.dlm", &start, &number)
	return n == 2 && name == FileName(start, number)
}

// Name returns the name that START uses for an image.
func Name(path string) string { return filepath.Base(path) }

// WriteStart replaces START of the directory and returns when it is on disk.
func (d *Dir) WriteStart(s *Start) error {
	if err := d.Check(); err != nil {
		return err
	}
	return WriteStart(d.path, s)
}

// Create begins an image in the directory.
func (d *Dir) Create(h Header) (*Writer, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	return Create(d.path, h)
}

// Adopt makes a checked file of the directory an image of that name.
func (d *Dir) Adopt(path, name string) error {
	if err := d.Check(); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return rename(path, filepath.Join(d.path, name))
}

// damagedSuffix is appended to the name of an image that must not be read any more.
const damagedSuffix = ".damaged"

// SetAside renames an image, so that it does not count as an image any more, and returns its path
// after that.
func (d *Dir) SetAside(name string) (path string, err error) {
	if err := d.Check(); err != nil {
		return "", err
	}
	path = filepath.Join(d.path, name) + damagedSuffix
	return path, rename(filepath.Join(d.path, name), path)
}

// Touch sets the time of an image's file. The time says when the table was last known to equal the
// image.
func (d *Dir) Touch(h Header, at time.Time) error {
	if err := d.Check(); err != nil {
		return err
	}
	return os.Chtimes(filepath.Join(d.path, FileName(h.Start, h.Number)), at, at)
}

// Retain removes all images but the newest keep.
func (d *Dir) Retain(keep int) error {
	if err := d.Check(); err != nil {
		return err
	}
	names, err := d.Images()
	if err != nil || len(names) <= keep {
		return err
	}
	for _, name := range names[keep:] {
		err = errors.Join(err, os.Remove(filepath.Join(d.path, name)))
	}
	return err
}

// Close unlocks the directory.
func (d *Dir) Close() error { return d.lock.Close() }
