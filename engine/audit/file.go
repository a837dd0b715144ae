package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"dlm/codec"
)

// file is a sink: a file of JSON lines that only its owner may read.
type file struct {
	path string
	f    *os.File // nil: it could not be opened again
	torn bool     // the last line may have no end
}

// OpenFile opens or makes a file for records. It must be a regular one: a pipe could block for
// ever.
func OpenFile(path string) (Sink, error) {
	s := &file{path: path}
	if err := s.Reopen(); err != nil {
		return nil, err
	}
	return s, nil
}

// Reopen opens the file of that name, which may be another one than before.
func (s *file) Reopen() error {
	if s.f != nil {
		_ = s.f.Close() // each line was written by one call
		s.f = nil
	}
	if info, err := os.Stat(s.path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("audit: %s is no regular file: give the path of one, or of one to make", s.path)
	}
	f, err := os.OpenFile(s.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if err := f.Chmod(0o600); err != nil {
		return errors.Join(fmt.Errorf("audit: %w", err), f.Close())
	}
	s.f = f
	return nil
}

// Write appends a line.
func (s *file) Write(r *Record) error {
	if s.moved() {
		if err := s.Reopen(); err != nil {
			return err
		}
		s.torn = false
	}
	line := r.AppendJSON(nil)
	if s.torn {
		line = append([]byte{'\n'}, line...)
	}
	line = append(line, '\n')
	n, err := s.f.Write(line)
	s.torn = err != nil && (s.torn || n > 0)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// moved reports whether the name does not stand for the open file any more: a program that rotates
// logs has renamed it, or somebody has removed it.
func (s *file) moved() bool {
	if s.f == nil {
		return true
	}
	named, err := os.Stat(s.path)
	if err != nil {
		return true
	}
	open, err := s.f.Stat()
	return err != nil || !os.SameFile(named, open)
}

func (s *file) Close() error {
	if s.f == nil {
		return errClosed
	}
	return s.f.Close()
}

// AppendJSON appends the record as one JSON object. Bytes of clients have the escapes of the text
// form, because JSON can't hold all of them.
func (r *Record) AppendJSON(b []byte) []byte {
	line := *r
	line.At = r.At.UTC()
	line.By, line.Lock, line.Owner, line.Reason = Escape(r.By), Escape(r.Lock), Escape(r.Owner), Escape(r.Reason)
	text, err := json.Marshal(&line)
	if err != nil {
		panic("BUG: a record is no JSON: " + err.Error())
	}
	return append(b, text...)
}

// Escape returns bytes of a client in the escapes of the text form, without its quotes. A log is
// read in terminals, which other bytes would steer, and as JSON, which would lose them.
func Escape(s string) string {
	quoted := codec.AppendQuoted(nil, []byte(s))
	return string(quoted[1 : len(quoted)-1])
}
