// Package wheel is a hierarchical timing wheel over numbered entries.
//
// An entry is a small number that the caller chose (the index of a record in a slab). It is due at
// a tick, a millisecond count. Add, Move and Remove are O(1). Pop returns one due entry per call
// and does a bounded amount of work, so that a caller who holds a mutex can stop after any entry.
//
// Five levels of 64 slots reach 12 days of milliseconds ahead; the top level is a ring. A level is
// chosen by the highest group of six bits in which the tick differs from the present one (Varghese
// and Lauck 1987, hierarchical scheme 7). So the entries of a lower level are always due before
// those of a higher one, and a word with one bit per slot is enough to find the next:
//
//	level 0   64 slots of      1 tick    due within the current 64
//	level 1   64 slots of     64 ticks
//	level 2   64 slots of  4,096 ticks
//	level 3   64 slots of   2^18 ticks
//	level 4   64 slots of   2^24 ticks
//
// When the present reaches a slot above level 0, its entries are moved down, one per step of Pop.
// Links and ticks live in nodes of 16 bytes apart from the caller's records, so moving an entry
// down touches no record.
//
// A Wheel knows no clock, starts no goroutine and is not safe for concurrent use.
package wheel
