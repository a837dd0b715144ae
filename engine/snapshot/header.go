package snapshot

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"dlm/codec"
)

const (
	magic        = "DLMIMAGE"
	headerLen    = 12 << 10
	headerAt     = 16 // after magic, version and length
	align        = 4 << 10
	shards       = codec.Shards
	entriesAt    = 128
	entryLen     = 40
	entriesEnd   = entriesAt + shards*entryLen
	requestsAt   = entriesEnd
	requestsEnd  = requestsAt + shards*4
	headerCRCAt  = headerLen - 4
	flagsAt      = 92
	flagsAll     = 1 // Header.Grace
	reservedFrom = 112
)

// Version is the format version of images. Images from versionOldest on can be read, too: they have
// other shards for names of more than 64 bytes, and those of versionOldest no records of requests.
const (
	Version       = 7
	versionOldest = 5
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Lineage names a table since its first start. Images of different lineages are unrelated.
type Lineage [16]byte

func (l Lineage) String() string { return fmt.Sprintf("%x", l[:]) }

// ParseLineage reads what String writes.
func ParseLineage(text string) (l Lineage, err error) {
	if n, bad := hex.DecodeString(text); bad == nil && len(n) == len(l) {
		return Lineage(n), nil
	}
	return l, errors.New("not a number of 32 hexadecimal digits")
}

// Header describes an image. The file has these fields from headerAt on, as they stand here: the
// package documentation has the format.
type Header struct {
	Lineage      Lineage
	Start        uint64
	Number       uint64
	Seed         uint64
	TableTime    int64 // ns
	WallTime     int64 // Unix ns
	TokenStart   codec.Token
	TokenCeiling codec.Token
	TTLLimitMs   uint32
	Grace        bool
	_            [3]byte // the other flags
	Holds        uint64  // set by the Writer
	Length       uint64  // of the file; set by the Writer
}

// Newer reports whether h is of a later moment than other, which must have the same lineage.
func (h *Header) Newer(other *Header) bool {
	if h.Start != other.Start {
		return h.Start > other.Start
	}
	return h.Number > other.Number
}

// ETag names the image in HTTP.
func (h *Header) ETag() string { return fmt.Sprintf("\"%s-%d-%d\"", h.Lineage, h.Start, h.Number) }

// entry locates the section of one shard.
type entry struct {
	section
	requests uint32
}

// section is an entry as it stands in the file.
type section struct {
	Offset, Length uint64
	Counter, Floor codec.Token
	Records, CRC   uint32
}

// recordBytes returns the length of the section without its strings.
func (e *entry) recordBytes() uint64 {
	return uint64(e.Records)*codec.HoldImageBytes + uint64(e.requests)*codec.RequestImageBytes
}

// end returns where the next section begins.
func (e *entry) end() uint64 { return e.Offset + (e.Length+align-1)/align*align }

// encode encodes header and entries.
func (h *Header) encode(entries *[shards]entry) []byte {
	b, le := make([]byte, headerLen), binary.LittleEndian
	copy(b, magic)
	le.PutUint32(b[8:], Version)
	le.PutUint32(b[12:], headerLen)
	_, _ = binary.Encode(b[headerAt:], le, h) // it can't fail: the size is fixed, and there is room
	for i := range entries {
		_, _ = binary.Encode(b[entriesAt+i*entryLen:], le, &entries[i].section)
		le.PutUint32(b[requestsAt+i*4:], entries[i].requests)
	}
	le.PutUint32(b[headerCRCAt:], crc32.Checksum(b[:headerCRCAt], castagnoli))
	return b
}

// decodeHeader is the reverse of encode. It checks everything that can be checked without the
// sections.
func decodeHeader(b []byte) (h Header, entries [shards]entry, problem *FileError) {
	le := binary.LittleEndian
	switch {
	case len(b) < len(magic) || string(b[:len(magic)]) != magic:
		return h, entries, &FileError{What: "this is not an image of dlm", Advice: "check the path", Damaged: true}
	case len(b) >= 12 && (le.Uint32(b[8:]) < versionOldest || le.Uint32(b[8:]) > Version):
		return h, entries, &FileError{Offset: 8, What: fmt.Sprintf("format version %d, this dlm knows %d", le.Uint32(b[8:]), Version),
			Advice: "use the dlm that wrote it"}
	case len(b) < headerLen:
		return h, entries, damaged(len(b), "the file ends within the header")
	case le.Uint32(b[headerCRCAt:]) != crc32.Checksum(b[:headerCRCAt], castagnoli):
		return h, entries, damaged(0, "the checksum of the header does not match")
	}
	_, _ = binary.Decode(b[headerAt:], le, &h) // as in encode
	for i := range entries {
		_, _ = binary.Decode(b[entriesAt+i*entryLen:], le, &entries[i].section)
		entries[i].requests = le.Uint32(b[requestsAt+i*4:])
	}
	return h, entries, h.check(b, &entries)
}

// check checks a header whose checksum fits, so an error here was written by a program.
func (h *Header) check(b []byte, entries *[shards]entry) *FileError {
	switch {
	case binary.LittleEndian.Uint32(b[12:]) != headerLen:
		return damaged(12, "the length of the header is wrong")
	case binary.LittleEndian.Uint32(b[flagsAt:])&^flagsAll != 0:
		return damaged(flagsAt, "unknown flags")
	case h.TokenCeiling > codec.TokenMax || h.TokenStart > h.TokenCeiling:
		return damaged(72, "tokens out of range")
	}
	if at := firstNonZero(b[reservedFrom:entriesAt]); at >= 0 {
		return damaged(reservedFrom+at, "not zero")
	}
	end := requestsEnd
	if binary.LittleEndian.Uint32(b[8:]) == versionOldest {
		end = entriesEnd
	}
	if at := firstNonZero(b[end:headerCRCAt]); at >= 0 {
		return damaged(end+at, "not zero")
	}
	next, holds := uint64(headerLen), uint64(0)
	for i := range entries {
		e, at := &entries[i], entriesAt+i*entryLen
		if e.Length == 0 && e.Records == 0 && e.requests == 0 && e.Offset == 0 && e.CRC == 0 {
			continue
		}
		if e.Offset != next || e.Records == 0 && e.requests == 0 || e.Length > h.Length || e.Length < e.recordBytes() {
			return damaged(at, fmt.Sprintf("the offset of the section of shard %d is impossible", i))
		}
		next = e.end()
		holds += uint64(e.Records)
	}
	if next != h.Length || holds != h.Holds {
		return damaged(96, "the sections and their totals differ")
	}
	return nil
}

// firstNonZero returns the index of the first byte that is not zero, or -1.
func firstNonZero(b []byte) int { return slices.IndexFunc(b, func(c byte) bool { return c != 0 }) }
