package table

import "encoding/binary"

// A record has room for a string of the usual length. A longer one is in the arena, and the room
// begins with its ref.

// stringIn returns the string of n bytes in the room. It aliases the record or the arena.
func (s *Shard) stringIn(room []byte, n int) []byte {
	if n <= len(room) {
		return room[:n]
	}
	return s.arena.get(ref(binary.LittleEndian.Uint32(room)), n)
}

// setString stores a string in the room.
func (s *Shard) setString(room, text []byte) {
	if len(text) <= len(room) {
		copy(room, text)
	} else {
		binary.LittleEndian.PutUint32(room, uint32(s.putString(text)))
	}
}

// dropString frees the block of a string of n bytes in the room, if it has one.
func (s *Shard) dropString(room []byte, n int) {
	if n > len(room) {
		s.arena.drop(ref(binary.LittleEndian.Uint32(room)), n)
	}
}

// putString keeps a copy of b in the arena.
func (s *Shard) putString(b []byte) ref {
	mapped := s.arena.mapped
	r := s.arena.put(b)
	if s.arena.mapped > mapped {
		s.table.took(arenaChunkLen)
	}
	return r
}

// blocks is how many blocks of each size of the arena strings need.
type blocks [classes]int

// add adds a string of n bytes, for which a record has that much room.
func (b *blocks) add(n, room int) {
	if n > room {
		b[classOf(n)]++
	}
}

// fits reports whether the chunks with room have these blocks.
func (a *arena) fits(need *blocks) bool {
	for class, n := range need {
		if n == 0 {
			continue
		}
		if a.open[class] == 0 {
			return false
		}
		c := &a.chunks[a.open[class]-1]
		if room := arenaChunkLen/(classMin<<class) - int(c.used); room < n {
			return false
		}
	}
	return true
}
