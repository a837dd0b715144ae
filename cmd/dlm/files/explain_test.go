package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestExplain has the errors of real calls, and those that only other users get.
func TestExplain(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(path string) error { _, err := os.ReadFile(path); return err }
	of := func(cause error) error { return &fs.PathError{Op: "open", Path: file, Err: cause} }
	for _, c := range []struct {
		err  error
		want string
	}{
		{read(dir + "/nowhere"), dir + "/nowhere: there is no such file"},
		{read(dir + "/no/where"), dir + "/no/where: there is no directory " + dir + "/no: make it, or mend the path"},
		{read(dir), dir + ": this is a directory, and a file is wanted"},
		{os.MkdirAll(file, 0o700), file + ": this is a file, or lies in one, and a directory is wanted"},
		{of(syscall.EACCES), "may not use it: chown or chmod it, or the directories above it"},
		{of(syscall.EIO), file + ": open: input/output error"},
		{errors.New("another"), "another"},
	} {
		got := Explain(c.err)
		if !strings.HasSuffix(got.Error(), c.want) || !errors.Is(got, c.err) {
			t.Errorf("%v: got %v, want %s", c.err, got, c.want)
		}
	}
}
