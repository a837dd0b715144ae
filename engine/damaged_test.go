package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dlm/engine/snapshot"
)

// readFile and writeFile are those of os, and end the test if they fail.
func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// damageNewest changes a byte of the newest image in a directory, and returns its path.
func damageNewest(t *testing.T, dir string) string {
	t.Helper()
	names, err := snapshot.Images(dir)
	if err != nil || len(names) == 0 {
		t.Fatalf("images %v, %v", names, err)
	}
	path := filepath.Join(dir, names[0])
	b := readFile(t, path)
	b[len(b)/2] ^= 1
	writeFile(t, path, b)
	return path
}

// TestRecoverOlderInUnitFile starts with the setting again and again: only a damaged image is
// passed over, and only once.
func TestRecoverOlderInUnitFile(t *testing.T) {
	dir := t.TempDir()
	older := func(c *Config) { c.RecoverOlder = true }
	s := mustStart(t, dir, older) // a new directory
	s.want("ACQUIRE a svc 0", "OK")
	s.image()
	s.want("ACQUIRE b svc 0", "OK")
	s.cleanStop()
	for range 3 { // the newest is sound: clean stops stay clean, with all holds
		s = mustStart(t, dir, older)
		if rec := s.e.store.State(); rec.Holds != 2 || rec.Grace != 0 {
			t.Fatalf("%d holds, grace %v, from %s", rec.Holds, rec.Grace, rec.From)
		}
		s.cleanStop()
	}
	damaged := damageNewest(t, dir)
	// some disks leave such files
	writeFile(t, damaged, make([]byte, 20_000))
	if _, err := newDurableSim(t, dir, nil); err == nil || !strings.Contains(err.Error(), "--recover older") {
		t.Errorf("a damaged image: %v", err)
	}
	s = mustStart(t, dir, older)
	from := s.e.store.State().From
	if from == filepath.Base(damaged) || s.e.store.State().Grace == 0 || !strings.Contains(s.log.String(), "was set aside") {
		t.Errorf("from %s, grace %v, log %s", from, s.e.store.State().Grace, s.log.String())
	}
	if _, err := os.Stat(damaged + ".damaged"); err != nil {
		t.Error(err)
	}
	s.crash()
	for range 2 { // crashes before the first image
		s = mustStart(t, dir, older)
		if again := s.e.store.State().From; again != from {
			t.Errorf("it went back from %s to %s", from, again)
		}
		s.crash()
	}
}

// TestRecoverOlderKeepsWhatItCanNotRead: an image of a newer version is not damaged.
func TestRecoverOlderKeepsWhatItCanNotRead(t *testing.T) {
	dir := t.TempDir()
	s := mustStart(t, dir, nil)
	s.image()
	s.image()
	s.crash()
	names, err := snapshot.Images(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, names[0])
	b := readFile(t, path)
	b[8] = 200 // the format version
	writeFile(t, path, b)
	if _, err := newDurableSim(t, dir, func(c *Config) { c.RecoverOlder = true }); err == nil || !strings.Contains(err.Error(), "format version 200") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}
