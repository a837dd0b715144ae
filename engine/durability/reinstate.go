package durability

import (
	"errors"
	"fmt"
	"io/fs"

	"dlm/engine/snapshot"
)

// reinstateAdvice returns how the directory of a server that stepped down becomes a primary's
// again.
func reinstateAdvice(path string) string {
	return fmt.Sprintf("if no backup serves in its place (it was deposed by mistake, or that backup is gone for good): "+
		"'dlm reinstate %s' makes it a primary again. If a backup serves too, locks are held twice", path)
}

// Reinstate makes the data directory of a server that stepped down a primary's again. It is for an
// operator who knows that no backup has taken over, or that the backup is gone for good. The next
// start has a recovery grace. Its tokens are above those of a backup that was promoted within the
// last days. Reinstate returns the consequences in words. No server may use the directory.
func Reinstate(path string) (line string, err error) {
	if _, err := snapshot.ReadStart(path); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s is no data directory of a server: it has no START", path)
	}
	dir, err := snapshot.OpenDir(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	start, err := readStart(dir)
	switch {
	case err != nil:
		return "", err
	case start.State == snapshot.Following:
		return "", fmt.Errorf("%s is the directory of a backup: promote it while it runs (dlm promote)", path)
	case start.State != snapshot.SteppedDown:
		return "", fmt.Errorf("%s was not deposed: a server can start with it", path)
	}
	start.State, start.Successor, start.CleanImage = snapshot.Primary, snapshot.Lineage{}, ""
	start.TokenCeiling = floorAfter(dir)
	if err := dir.WriteStart(&start); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s belongs to a primary again. The next start begins with a recovery grace, in which holders show their tokens; "+
		"fencing tokens continue above %d. No server that took over from it may run.", path, start.TokenCeiling), nil
}
