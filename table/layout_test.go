package table

import (
	"testing"
	"unsafe"

	"dlm/table/index"
)

// TestLayout checks the order of the fields: records have two cache lines, and a pair touches only
// the first two lines of a shard.
func TestLayout(t *testing.T) {
	const line = 64
	var s Shard
	if size := unsafe.Sizeof(lock{}); size != 2*line {
		t.Errorf("a lock record has %d bytes, want two lines", size)
	}
	if size := unsafe.Sizeof(holder{}); size != 96 {
		t.Errorf("a holder of a group has %d bytes, want 96", size)
	}
	if size := unsafe.Sizeof(s); size%line != 0 || size/line%2 == 0 {
		t.Errorf("a shard has %d bytes, want an odd number of lines", size)
	}
	if slots, rec := unsafe.Offsetof(s.index.Slots), unsafe.Offsetof(index.Slot{}.Rec); slots != 0 || rec != 4 {
		t.Errorf("slots at %d of the index and a record at %d of its slot: prefetch_amd64.s has 0 and 4", slots, rec)
	}
	if at := unsafe.Offsetof(Table{}.shards); at != 0 {
		t.Errorf("the shards begin at %d of the table", at)
	}
	hot := unsafe.Sizeof(Table{}.shards)
	for name, field := range map[string][2]uintptr{
		"ttlMs": {unsafe.Offsetof(Table{}.ttlMs) + unsafe.Sizeof(Table{}.ttlMs), 1 * line},
		"tap":   {unsafe.Offsetof(Table{}.tap) + unsafe.Sizeof(Table{}.tap), 2 * line},
	} {
		if field[0] > hot+field[1] {
			t.Errorf("%s, which most commands read, ends at %d behind the shards, want %d", name, field[0]-hot, field[1])
		}
	}
	for name, field := range map[string][2]uintptr{
		"index":  {unsafe.Offsetof(s.index) + unsafe.Sizeof(s.index), 1 * line},
		"counts": {unsafe.Offsetof(s.counts) + unsafe.Offsetof(s.counts.Reentries), 2 * line},
	} {
		if field[0] > field[1] {
			t.Errorf("%s ends at %d of the shard, want %d", name, field[0], field[1])
		}
	}
}
