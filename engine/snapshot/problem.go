package snapshot

import "fmt"

// FileError is a file that can't be used: foreign, of a newer format, or damaged.
type FileError struct {
	Path   string
	Offset int64 // of what is wrong, in bytes
	What   string
	Advice string
}

func (e *FileError) Error() string {
	return fmt.Sprintf("%s: at byte %d: %s (%s)", e.Path, e.Offset, e.What, e.Advice)
}

func damaged(offset int, what string) *FileError {
	return &FileError{Offset: int64(offset), What: what,
		Advice: "the file is damaged: start with --recover older to use the one before, which knows less"}
}
