package snapshot

import (
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"time"

	"dlm/codec"
)

// Writer writes one image. Call Create, Shard for each shard in order, and Commit or Abort. After
// an error only Abort may be called.
type Writer struct {
	file    *os.File
	made    os.FileInfo // of file
	path    string      // of the finished image
	header  Header
	entries [shards]entry
	next    int // the next shard
	at      uint64
}

const partial = ".partial"

// FileName names an image so that names sort as images do.
func FileName(start, number uint64) string {
	return fmt.Sprintf("image-%020d-%020d.dlm", start, number)
}

// Create begins an image in the directory.
func Create(dir string, h Header) (*Writer, error) {
	path := filepath.Join(dir, FileName(h.Start, h.Number))
	f, err := os.OpenFile(path+partial, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	made, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Writer{file: f, made: made, path: path, header: h, at: headerLen}, nil
}

// Header returns the header that Create was given.
func (w *Writer) Header() *Header { return &w.header }

// Shard adds the section of the next shard. The caller may reuse img afterwards.
func (w *Writer) Shard(img *codec.ShardImage) error {
	if int(img.Shard) != w.next || w.next == shards {
		panic("BUG: shards come in order, each once")
	}
	e := &w.entries[w.next]
	w.next++
	e.Counter, e.Floor = img.Counter, img.ClaimFloor
	if img.Len() == 0 && img.RequestCount() == 0 {
		return nil
	}
	e.Offset, e.Records, e.requests = w.at, uint32(img.Len()), uint32(img.RequestCount())
	w.header.Holds += uint64(e.Records)
	for _, part := range [...][]byte{img.Records, img.Requests, img.Strings} {
		e.CRC = crc32.Update(e.CRC, castagnoli, part)
		if _, err := w.file.WriteAt(part, int64(w.at+e.Length)); err != nil {
			return err
		}
		e.Length += uint64(len(part))
	}
	w.at = e.end()
	return nil
}

// Commit publishes the image and returns its path and header.
func (w *Writer) Commit() (path string, h Header, err error) {
	if w.next != shards {
		panic("BUG: an image without all shards")
	}
	w.header.Length = w.at
	if err := w.file.Truncate(int64(w.at)); err != nil { // the padding of the last section
		return "", h, err
	}
	if _, err := w.file.WriteAt(w.header.encode(&w.entries), 0); err != nil {
		return "", h, err
	}
	begun := time.Unix(0, w.header.WallTime) // the file's time is that of the state in it
	if err := os.Chtimes(w.path+partial, begun, begun); err != nil {
		return "", h, err
	}
	if err := w.file.Sync(); err != nil {
		return "", h, err
	}
	if err := rename(w.path+partial, w.path); err != nil {
		return "", h, err
	}
	return w.path, w.header, w.file.Close()
}

// Abort removes the unfinished image.
func (w *Writer) Abort() error {
	err := errors.Join(w.removePartial(), w.file.Close())
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// removePartial removes the file, unless another one has its name.
func (w *Writer) removePartial() error {
	if there, err := os.Stat(w.path + partial); err != nil || !os.SameFile(w.made, there) {
		return err
	}
	return os.Remove(w.path + partial)
}

// rename gives a file another name, and forces that to disk.
func rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// replaceFile writes a small file so that its name never refers to a part of it.
func replaceFile(path string, data []byte) (err error) {
	f, err := os.OpenFile(path+partial, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path+partial))
	}
	return rename(path+partial, path)
}
