package observe

import (
	"bytes"
	"strconv"

	"dlm/table"
)

// Cursor is a place in a listing.
type Cursor = table.Cursor

// AppendCursor writes a place in a listing as shard-record.
func AppendCursor(dst []byte, at Cursor) []byte {
	dst = strconv.AppendUint(dst, uint64(at.Shard), 10)
	dst = append(dst, '-')
	return strconv.AppendUint(dst, uint64(at.Index), 10)
}

// ParseCursor reads what AppendCursor has written.
func ParseCursor(b []byte) (at Cursor, ok bool) {
	shard, index, found := bytes.Cut(b, []byte{'-'})
	s, err1 := strconv.ParseUint(string(shard), 10, 8)
	i, err2 := strconv.ParseUint(string(index), 10, 32)
	return Cursor{Shard: uint8(s), Index: uint32(i)}, found && err1 == nil && err2 == nil
}
