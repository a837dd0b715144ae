// Package files says what is wrong with a file that a setting names, in words for the person who
// gave it.
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// problem is an error about a file in our words.
type problem struct {
	text  string
	cause error
}

func (p *problem) Error() string { return p.text }
func (p *problem) Unwrap() error { return p.cause }

// Explain returns an error about a file that begins with its path, and says what to do where that
// follows from the error. Another error is returned as it is.
func Explain(err error) error {
	var of *fs.PathError
	if !errors.As(err, &of) {
		return err
	}
	return &problem{of.Path + ": " + words(of), err}
}

func words(of *fs.PathError) string {
	switch dir := filepath.Dir(of.Path); {
	case errors.Is(of.Err, fs.ErrNotExist) && isMissing(dir):
		return fmt.Sprintf("there is no directory %s: make it, or mend the path", dir)
	case errors.Is(of.Err, fs.ErrNotExist) && of.Op == "mkdir": // as in /proc
		return "nothing can be made there: choose another path"
	case errors.Is(of.Err, fs.ErrNotExist):
		return "there is no such file"
	case errors.Is(of.Err, fs.ErrPermission):
		return fmt.Sprintf("the user of this process, %d, may not use it: chown or chmod it, or the directories above it", os.Geteuid())
	case errors.Is(of.Err, syscall.EISDIR):
		return "this is a directory, and a file is wanted"
	case errors.Is(of.Err, syscall.ENOTDIR):
		return "this is a file, or lies in one, and a directory is wanted"
	}
	return of.Op + ": " + of.Err.Error()
}

func isMissing(dir string) bool {
	_, err := os.Stat(dir)
	return errors.Is(err, fs.ErrNotExist)
}
