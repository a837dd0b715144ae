package table

import (
	"dlm/codec"
	"dlm/table/index"
	"dlm/table/wheel"
)

// The caller may tell the table how much memory is left. The table counts the chunks that it takes.
// When nothing is left, a request is granted or waits only if that needs no new memory: a free
// record, and free blocks for its strings.

// SetMemoryLeft sets how many bytes the table may take from now on. Any goroutine may call it. The
// caller repeats it from time to time, since the table does not count the memory that it gives
// back.
func (t *Table) SetMemoryLeft(bytes int64) {
	t.memoryLeft.Store(bytes)
	t.full.Store(bytes <= 0)
}

// took counts memory that a shard has taken.
func (t *Table) took(bytes int) {
	if t.memoryLeft.Add(int64(-bytes)) <= 0 {
		t.full.Store(true)
	}
}

// Memory of a chunk in bytes, including its entries in a wheel.
const (
	lockChunkBytes    = lockChunkLen * (lockBytes + wheel.EntryBytes)
	waiterChunkBytes  = waiterChunkLen * (waiterBytes + wheel.EntryBytes)
	holderChunkBytes  = slabChunkLen * (holderBytes + wheel.EntryBytes)
	requestChunkBytes = slabChunkLen * requestBytes
)

// takeWaiter returns a free record for a waiting request.
func (s *Shard) takeWaiter() (i uint32, w *waiter) {
	mapped := s.waiters.mapped
	i, generation := s.waiters.take()
	if s.waiters.mapped > mapped {
		s.table.took(waiterChunkBytes)
	}
	w = s.waiters.at(i)
	w.generation = generation
	return i, w
}

// addToIndex adds a record to an index.
func (s *Shard) addToIndex(x *index.Index, tag, rec uint32) {
	if x.Full() {
		x.Grow()
		s.table.took(x.Bytes())
	}
	x.Add(tag, rec)
}

// metaOf returns the META of the command, or nil.
func metaOf(cmd *codec.Command) []byte {
	if cmd.Has(codec.OptMeta) {
		return cmd.Text
	}
	return nil
}

// lockFits reports whether a lock can get a record and blocks for its strings without new memory.
func (s *Shard) lockFits(name, service, meta []byte) bool {
	if s.locks.full() || s.index.Full() {
		return false
	}
	var need blocks
	need.add(len(name), inlineNameMax)
	need.add(len(service), textLen-serviceAfter(len(name)))
	need.add(len(meta), 0)
	return s.arena.fits(&need)
}

// waiterFits is lockFits for a request that waits.
func (s *Shard) waiterFits(service, meta []byte) bool {
	if !s.waiters.hasRoom() {
		return false
	}
	var need blocks
	need.add(len(service), waiterTextLen)
	need.add(len(meta), 0)
	return s.arena.fits(&need)
}

// metaFits is lockFits for the META of a held lock. The block of its present META does not count as
// free.
func (s *Shard) metaFits(meta []byte) bool {
	var need blocks
	need.add(len(meta), 0)
	return s.arena.fits(&need)
}
