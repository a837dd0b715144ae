package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dlm/engine/durability"
	"dlm/engine/snapshot"
)

// contents returns the files of a directory with what is in them.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b := readFile(t, filepath.Join(dir, e.Name()))
		files[e.Name()] = string(b)
	}
	return files
}

// TestDirectoryThatWasReplaced: a server whose directory was removed writes nothing into the
// directory of the server that uses the name now.
func TestDirectoryThatWasReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	first := mustStart(t, dir, func(c *Config) { c.SnapshotKeep = 1 })
	first.want("ACQUIRE a svc-1 0", "OK")
	first.image()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := first.e.store.WriteImage(); !errors.Is(err, snapshot.ErrLost) {
		t.Errorf("no directory is there: %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the directory was made again")
	}

	second := mustStart(t, dir, nil)
	second.want("ACQUIRE b svc-2 0", "OK")
	second.image()
	second.image()
	before := contents(t, dir)
	first.want("ACQUIRE c svc-1 0", "OK")
	if err := first.e.store.WriteImage(); !errors.Is(err, snapshot.ErrLost) {
		t.Errorf("an image in the directory of another: %v", err)
	}
	if reasons := strings.Join(first.e.Unready(), "\n"); !strings.Contains(reasons, "may belong to another server") {
		t.Errorf("ready: %q", reasons)
	}
	// START must be renewed.
	start := &first.e.store.State().Start
	start.TokenCeiling = start.TokenStart + durability.TokenReserve/4
	if err := first.e.store.ExtendTokens(); !errors.Is(err, snapshot.ErrLost) {
		t.Errorf("START of another: %v", err)
	}
	if path, _, _ := first.e.NewestImage(); path != "" {
		t.Errorf("it hands out %s", path)
	}
	if err := first.e.store.Finish(); !errors.Is(err, snapshot.ErrLost) {
		t.Errorf("a clean stop: %v", err)
	}
	after := contents(t, dir)
	for name, was := range before {
		if after[name] != was {
			t.Errorf("%s was changed", name)
		}
	}
	if len(after) != len(before) {
		t.Errorf("%d files, then %d", len(before), len(after))
	}
	second.cleanStop()
}

// TestBackupsDirectoryThatWasReplaced gets no image of the former one.
func TestBackupsDirectoryThatWasReplaced(t *testing.T) {
	one, two := t.TempDir(), filepath.Join(t.TempDir(), "data")
	p := mustStart(t, one, nil)
	p.image()
	b := newBackup(t, one, two)
	if err := os.RemoveAll(two); err != nil {
		t.Fatal(err)
	}
	other := mustStart(t, two, nil)
	before := len(contents(t, two))
	if err := b.follow(); !errors.Is(err, snapshot.ErrLost) || len(contents(t, two)) != before {
		t.Errorf("%v, %d files and then %d", err, before, len(contents(t, two)))
	}
	for _, s := range []*sim{p, b, other} {
		s.crash()
	}
}
