package snapshot

import (
	"errors"
	"hash/crc32"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"dlm/codec"
)

// Image is a mapped image file. Several goroutines may call its methods at the same time, except
// Close.
//
// If the file is cut shorter while it is mapped, reading the missing part ends the process, as with
// any mapped file. Images are never changed in place.
type Image struct {
	path    string
	b       []byte
	header  Header
	entries [shards]entry
}

// Open maps an image and checks its header. Section and Verify check the sections.
func Open(path string) (*Image, error) {
	b, err := mapFile(path)
	if err != nil {
		return nil, err
	}
	img, problem := parse(b)
	if problem != nil {
		problem.Path = path
		return nil, errors.Join(problem, unmap(b))
	}
	img.path = path
	return img, nil
}

// parse makes an Image of the bytes of a file.
func parse(b []byte) (*Image, *FileError) {
	h, entries, problem := decodeHeader(b)
	if problem != nil {
		return nil, problem
	}
	if uint64(len(b)) < h.Length {
		return nil, damaged(len(b), "the file is too short")
	}
	if uint64(len(b)) > h.Length {
		return nil, damaged(int(h.Length), "the file is longer than its header says")
	}
	return &Image{b: b, header: h, entries: entries}, nil
}

// Header returns the header of the image.
func (m *Image) Header() Header { return m.header }

// Path returns the file's name.
func (m *Image) Path() string { return m.path }

// Section checks the section of a shard and lets img alias it until Close.
func (m *Image) Section(shard int, img *codec.ShardImage) error {
	e := &m.entries[shard]
	*img = codec.ShardImage{Shard: uint8(shard), Counter: e.Counter, ClaimFloor: e.Floor}
	if e.Records > 0 || e.requests > 0 {
		b := m.b[e.Offset : e.Offset+e.Length]
		holds, strings := uint64(e.Records)*codec.HoldImageBytes, e.recordBytes()
		img.Records, img.Requests, img.Strings = b[:holds], b[holds:strings], b[strings:]
		if crc32.Checksum(b, castagnoli) != e.CRC {
			return m.damaged(e.Offset, "the checksum of a section does not match")
		}
		if at := firstNonZero(m.b[e.Offset+e.Length : e.end()]); at >= 0 {
			return m.damaged(e.Offset+e.Length+uint64(at), "not zero")
		}
	}
	if err := img.Check(); err != nil {
		return m.damaged(e.Offset, err.Error())
	}
	if e.Counter > m.header.TokenCeiling {
		return m.damaged(uint64(entriesAt+shard*entryLen+16), "a token counter above the ceiling")
	}
	return nil
}

func (m *Image) damaged(offset uint64, what string) error {
	problem := damaged(int(offset), what)
	problem.Path = m.path
	return problem
}

// Each calls do with the checked section of every shard, on all processors. It returns the error of
// the lowest shard that has one.
func (m *Image) Each(do func(*codec.ShardImage) error) error {
	var next atomic.Int32
	var problems [shards]error
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			var img codec.ShardImage
			for i := int(next.Add(1)) - 1; i < shards; i = int(next.Add(1)) - 1 {
				if problems[i] = m.Section(i, &img); problems[i] == nil {
					problems[i] = do(&img)
				}
			}
		})
	}
	workers.Wait()
	for _, err := range problems {
		if err != nil {
			return err
		}
	}
	return nil
}

// Verify checks all sections.
func (m *Image) Verify() error { return m.Each(func(*codec.ShardImage) error { return nil }) }

// Close unmaps the file.
func (m *Image) Close() error { return unmap(m.b) }

func mapFile(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // a pipe would wait for a writer
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &FileError{Path: path, What: "this is not a regular file", Advice: "check the path"}
	}
	if info.Size() == 0 {
		return nil, nil
	}
	b, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, &os.PathError{Op: "mmap", Path: path, Err: err}
	}
	return b, nil
}

func unmap(b []byte) error {
	if b == nil {
		return nil
	}
	return unix.Munmap(b)
}
