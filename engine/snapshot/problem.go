package snapshot

import "fmt"

// FileError describes a file that can't be used: foreign, of a newer format, or damaged.
type FileError struct {
	Path   string
	Offset int64 // in bytes
	What   string
	Advice string
	// Damaged reports whether the file was cut or changed, or never was an image. Another version
	// of dlm can't read it either.
	Damaged bool
}

func (e *FileError) Error() string {
	return fmt.Sprintf("%s: at byte %d: %s (%s)", e.Path, e.Offset, e.What, e.Advice)
}

// AdviceDamaged is the advice for a damaged image of a data directory.
const AdviceDamaged = "the file is damaged: --recover older starts from the newest sound image, which is older"

func damaged(offset int, what string) *FileError {
	return &FileError{Offset: int64(offset), What: what, Damaged: true, Advice: AdviceDamaged}
}
