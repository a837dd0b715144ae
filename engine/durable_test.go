package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dlm/codec"
	"dlm/engine/snapshot"
)

// TestNewDirectoryIsTold: a volume that is not mounted looks like an empty directory.
func TestNewDirectoryIsTold(t *testing.T) {
	dir := t.TempDir()
	for start := range 3 {
		s := mustStart(t, dir, nil)
		inLine := strings.Contains(s.e.Durability(), "the directory is new")
		inLog := strings.Contains(s.log.String(), "level=WARN msg=\"the data directory is new")
		if first := start == 0; inLine != first || inLog != first {
			t.Errorf("start %d: %s\n%s", start+1, s.e.Durability(), s.log.String())
		}
		if start == 0 {
			s.crash() // no image: START alone is left
			continue
		}
		s.cleanStop()
	}
}

// TestRefusedStarts are harmful starts. Each error says what to do.
func TestRefusedStarts(t *testing.T) {
	refused := func(dir string, change func(*Config), want string) {
		t.Helper()
		s, err := newDurableSim(t, dir, change)
		if err == nil {
			s.crash()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	dir := t.TempDir()
	s := mustStart(t, dir, nil)
	s.image()
	refused(dir, nil, "in use by another process")
	s.crash()
	refused(dir, func(c *Config) { c.BackupOf = "x:1" }, "its role is primary")
	refused(dir, func(c *Config) { c.Lease = time.Minute }, "longer than the recovery grace")

	other := mustStart(t, t.TempDir(), nil)
	other.image()
	state, _ := other.e.store.Images()
	foreign := readFile(t, state.Path)
	other.crash()
	path := filepath.Join(dir, snapshot.FileName(9, 9))
	writeFile(t, path, foreign)
	refused(dir, nil, "another table")
	foreign[5000] ^= 1
	writeFile(t, path, foreign)
	refused(dir, nil, "--recover older")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	start, err := snapshot.ReadStart(dir)
	if err != nil {
		t.Fatal(err)
	}
	start.State = snapshot.SteppedDown
	if err := snapshot.WriteStart(dir, &start); err != nil {
		t.Fatal(err)
	}
	refused(dir, nil, "a backup has taken over")
}

// TestFailedImages are reported, and leave the last good image.
func TestFailedImages(t *testing.T) {
	dir := t.TempDir()
	s := mustStart(t, dir, nil)
	s.want("ACQUIRE a svc 0", "OK")
	s.image()
	good, _ := s.e.store.Images()
	// The name of the next image is taken by a directory, so that it can't be created.
	blocked := filepath.Join(dir, snapshot.FileName(1, good.Header.Number+1)+".partial")
	if err := os.Mkdir(blocked, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.e.store.WriteImage(); err == nil {
		t.Fatal("written over a directory")
	}
	state, _ := s.e.store.Images()
	if state.Failures != 1 || state.Problem == "" || state.Path != good.Path {
		t.Errorf("state %+v", state)
	}
	if reasons := s.e.Unready(); len(reasons) != 1 || !strings.Contains(reasons[0], "could not be written") {
		t.Errorf("ready: %q", reasons)
	}
	s.want("ACQUIRE b svc 0", "OK")
	s.image() // the next interval
	if reasons := s.e.Unready(); len(reasons) != 0 {
		t.Errorf("not ready: %q", reasons)
	}
	s.crash()
	s = mustStart(t, dir, nil)
	if s.e.store.State().Holds != 2 {
		t.Errorf("%d holds", s.e.store.State().Holds)
	}
	s.crash()
}

// TestCopiesOfOneImage starts twice from copies of the same image, without its START: no token may
// come twice.
func TestCopiesOfOneImage(t *testing.T) {
	dir := t.TempDir()
	s := mustStart(t, dir, nil)
	s.image()
	s.crash()
	images, err := filepath.Glob(filepath.Join(dir, "image-*"))
	if err != nil || len(images) != 1 {
		t.Fatalf("images %v, %v", images, err)
	}
	data := readFile(t, images[0])
	last := codec.Token(0)
	for range 2 {
		copied := t.TempDir()
		writeFile(t, filepath.Join(copied, filepath.Base(images[0])), data)
		s := mustStart(t, copied, nil)
		if got := s.e.store.State().Start.TokenStart; got <= last {
			t.Errorf("tokens from %d on, after a start from %d on", got, last)
		} else {
			last = got
		}
		s.crash()
	}
}

// TestOldImageCanNotBeRemoved: the newest was written all the same, and the stop is clean.
func TestOldImageCanNotBeRemoved(t *testing.T) {
	dir := t.TempDir()
	s := mustStart(t, dir, func(c *Config) { c.SnapshotKeep = 1 })
	if err := os.MkdirAll(filepath.Join(dir, snapshot.FileName(0, 1), "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.image()
	if reasons := s.e.Unready(); len(reasons) > 0 {
		t.Errorf("not ready: %q", reasons)
	}
	if !strings.Contains(s.log.String(), "old images can't be removed") {
		t.Errorf("log: %s", s.log.String())
	}
	s.cleanStop()
	s = mustStart(t, dir, nil)
	if s.e.store.State().Grace != 0 {
		t.Error("a grace after a clean stop")
	}
	s.crash()
}

// TestImageUnderAnotherName: an older image under the name of the clean stop's image is not
// accepted.
func TestImageUnderAnotherName(t *testing.T) {
	dir := t.TempDir()
	s := mustStart(t, dir, nil)
	s.image()
	older := readFile(t, filepath.Join(dir, snapshot.FileName(1, 1)))
	s.want("ACQUIRE a svc 0", "OK")
	s.cleanStop()
	writeFile(t, filepath.Join(dir, snapshot.FileName(1, 2)), older)
	if _, err := newDurableSim(t, dir, nil); err == nil || !strings.Contains(err.Error(), "under another name") {
		t.Errorf("started from it: %v", err)
	}
}
