package snapshot

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestDirIsTakenOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "data")
	d, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDir(path); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("taken twice: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
}

func TestImagesAndRetain(t *testing.T) {
	path := t.TempDir()
	h := sample()
	for _, n := range [][2]uint64{{2, 11}, {2, 9}, {10, 1}, {1, 300}} {
		h.Start, h.Number = n[0], n[1]
		write(t, path, h)
	}
	for _, name := range []string{"image-3-1.dlm", "image-x.dlm", "notes", FileName(9, 9) + partial} {
		if err := os.WriteFile(filepath.Join(path, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{FileName(10, 1), FileName(2, 11), FileName(2, 9), FileName(1, 300)}
	if names, err := d.Images(); err != nil || !slices.Equal(names, want) {
		t.Errorf("%v %v", names, err)
	}
	if err := d.Retain(2); err != nil {
		t.Error(err)
	}
	if names, err := d.Images(); err != nil || !slices.Equal(names, want[:2]) {
		t.Errorf("kept %v %v", names, err)
	}
	if _, err := os.Stat(filepath.Join(path, FileName(9, 9)+partial)); err == nil {
		t.Error("what was not finished is still there")
	}
	if _, err := os.Stat(filepath.Join(path, "notes")); err != nil {
		t.Error("a file that is not ours was removed")
	}
}
