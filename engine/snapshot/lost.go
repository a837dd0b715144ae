package snapshot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrLost is returned when the directory is not the one that OpenDir locked. It was removed, or
// another directory has its name, which another process may use.
var ErrLost = errors.New("the data directory was removed or replaced while this server uses it")

// Check returns ErrLost if the lock file under the directory's path is not the one that this
// process holds. It is called before every write to the directory: after `rm -r` a second server
// can use a directory of that name, and the two servers do not know of each other.
func (d *Dir) Check() error {
	held, err := d.lock.Stat()
	if err != nil {
		return err
	}
	there, err := os.Stat(filepath.Join(d.path, lockName))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%s: %w: this server writes nothing there any more, and a restart begins with what the directory has", d.path, ErrLost)
	case err != nil:
		return err
	case !os.SameFile(held, there):
		return fmt.Errorf("%s: %w, and may belong to another server: this server writes nothing there; stop it", d.path, ErrLost)
	}
	return nil
}
