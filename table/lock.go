package table

import "dlm/codec"

// none is the index that no record has.
const none = ^uint32(0)

const (
	textLen       = 64          // bytes for strings within a lock record
	inlineNameMax = textLen - 8 // a longer name is in the arena
	lockChunkBits = 6           // locks per chunk: 8 KiB
	lockChunkLen  = 1 << lockChunkBits
	lockChunkMask = lockChunkLen - 1
)

// lock is the record of one held lock: two cache lines, no pointer. A lock that nobody holds has no
// waiters either, and no record.
//
// The fields that a heartbeat touches come first. So it stays within the first line if the name,
// rounded up to whole words, and the service have up to 32 bytes together.
//
// text holds the name, and from the next multiple of 8 the service id of the holder, with zeros in
// between. A string that does not fit is in the arena, and text has its ref (4 bytes) instead:
//
//	name <= 56:             text = name, then service or its ref
//	name >  56:             text = ref of name (4), then service or its ref
type lock struct {
	hold
	first      uint32 // head of the queue, a waiter; none: no waiter
	nameLen    uint16 // 0: the record is free, and first links free records, up to none
	serviceLen uint16
	text       [textLen]byte

	// low half of the tick of its entry in the wheel of leases + 1; 0: none. Outlives the lock
	armed   uint32
	tag     uint32 // low half of the name's hash
	last    uint32 // tail of the queue
	waiters uint32 // length of the queue
	grantee
}

// hold is the part of a hold that its heartbeats touch.
type hold struct {
	token    codec.Token
	deadline int64  // end of the lease, table time in ns
	ttlMs    uint32 // length of the lease
	count    uint32 // acquires less releases, at least 1
}

// grantee is the part of a hold that says to whom it was granted, and when.
type grantee struct {
	since int64  // when the holder was granted, table time in ns
	meta  ref    // META of the holder; 0: none
	extra uint16 // length of META, and re-entries from other connections: see reentry.go

	state recoveryState // see grace.go
	by    connMark      // the connection that was granted
}

// lockSlab allocates lock records by index. Records never move. The list of free records is not
// sorted: the record that was freed last is used first, because it is in the cache. freeSort
// removes whole chunks from the list.
type lockSlab struct {
	chunks []*[lockChunkLen]lock // nil: no memory. The list only grows, since Prefetch reads it
	free   uint32                // first available free record
	used   uint32
}

func (b *lockSlab) at(i uint32) *lock { return &b.chunks[i>>lockChunkBits][i&lockChunkMask] }

// len returns the number of records, live and free.
func (b *lockSlab) len() uint32 { return uint32(len(b.chunks)) << lockChunkBits }

// live returns the number of records that are in use.
func (b *lockSlab) live() int { return int(b.used) }

// full reports whether no free record is available. The caller then calls grow before take.
func (b *lockSlab) full() bool { return b.free == none }

// record returns the record i, or nil if it has no memory.
func (b *lockSlab) record(i uint32) *lock {
	if i >= b.len() || b.chunks[i>>lockChunkBits] == nil {
		return nil
	}
	return b.at(i)
}

// take returns a free record.
func (b *lockSlab) take() (i uint32, l *lock) {
	i = b.free
	l = b.at(i)
	b.free = l.first
	b.used++
	return i, l
}

// grow adds a chunk, or gives memory to a chunk without any. It puts record first, the number of
// the shard, at the head of the chunk's free list. Chunks begin at pages, so their first records
// would otherwise compete for the same few lines of a cache in all 256 shards.
func (b *lockSlab) grow(chunk int, first uint32) {
	if chunk == len(b.chunks) {
		b.chunks = append(b.chunks, nil)
	}
	records := new([lockChunkLen]lock)
	base := uint32(chunk) << lockChunkBits
	for i := range uint32(lockChunkLen) {
		records[(first+i)&lockChunkMask].first = base + (first+i+1)&lockChunkMask
	}
	records[(first+lockChunkMask)&lockChunkMask].first = b.free
	b.chunks[chunk] = records
	b.free = base + first&lockChunkMask
}

func (b *lockSlab) drop(i uint32, l *lock) {
	l.nameLen, l.count = 0, 0
	l.first = b.free
	b.free = i
	b.used--
}

// name returns the name of the lock. It aliases the record or the arena.
func (s *Shard) name(l *lock) []byte { return s.stringIn(l.text[:inlineNameMax], int(l.nameLen)) }

// service returns the service id of the holder. It aliases the record or the arena.
func (s *Shard) service(l *lock) []byte {
	return s.stringIn(l.text[l.serviceAt():], int(l.serviceLen))
}

// serviceAt is where in text the service or its ref starts.
func (l *lock) serviceAt() int { return serviceAfter(int(l.nameLen)) }

// serviceAfter is serviceAt for a name of n bytes.
func serviceAfter(n int) int {
	if n <= inlineNameMax {
		return (n + 7) &^ 7
	}
	return 8
}

// setName stores the name, in a record without a service.
func (s *Shard) setName(l *lock, name []byte) {
	l.nameLen = uint16(len(name))
	if len(name) <= inlineNameMax {
		clear(l.text[len(name)&^7 : (len(name)+7)&^7])
	}
	s.setString(l.text[:inlineNameMax], name)
}

// setService stores the holder's service id, and counts its hold. The caller has dropped the former
// one.
func (s *Shard) setService(l *lock, service []byte) {
	if at := s.quotas(); at != nil {
		at.record(ofHolds, service)
	}
	s.putService(l, service)
}

// putService is setService for a service without a quota.
func (s *Shard) putService(l *lock, service []byte) {
	l.serviceLen = uint16(len(service))
	s.setString(l.text[l.serviceAt():], service)
}

// dropService removes the holder's service id, if there is one, and its hold from the counts.
func (s *Shard) dropService(l *lock) {
	if l.serviceLen > 0 {
		if at := s.quotas(); at != nil {
			at.forget(ofHolds, s.service(l))
		}
		s.removeService(l)
	}
}

// removeService is dropService for a service without a quota.
func (s *Shard) removeService(l *lock) {
	s.dropString(l.text[l.serviceAt():], int(l.serviceLen))
	l.serviceLen = 0
}

// setMeta replaces the holder's META by text; an empty text removes it.
func (s *Shard) setMeta(g *grantee, text []byte) {
	if g.meta != 0 {
		s.arena.drop(g.meta, g.metaLen())
		g.meta = 0
	}
	if len(text) > 0 {
		g.meta = s.putString(text)
		g.setMetaLen(len(text))
	}
}

// lockAt returns the record i, or nil for none.
func (s *Shard) lockAt(i uint32) *lock {
	if i == none {
		return nil
	}
	return s.locks.at(i)
}

// indexOf returns the index of the record of that name, or none.
func (s *Shard) indexOf(tag uint32, name []byte) uint32 {
	i, _ := s.find(tag, name)
	return i
}

// find returns the record of that name, with its index, or none and nil.
func (s *Shard) find(tag uint32, name []byte) (uint32, *lock) {
	slot, rec := s.index.Find(tag, tag)
	return s.findFrom(slot, rec, tag, name)
}

// findFrom is find after the index has found rec in that slot.
func (s *Shard) findFrom(slot, rec, tag uint32, name []byte) (uint32, *lock) {
	for ; rec != 0; slot, rec = s.index.Find(tag, slot+1) {
		if l := s.locks.at(rec - 1); string(s.name(l)) == string(name) {
			return rec - 1, l
		}
	}
	return none, nil
}

// create makes the record of a lock that the caller will grant.
func (s *Shard) create(tag uint32, name []byte) (uint32, *lock) {
	if s.locks.full() || s.index.Full() {
		s.growFor()
	}
	i, l := s.takeLock(tag)
	s.setName(l, name)
	s.index.Add(tag, i)
	return i, l
}

// takeLock returns a free record for a lock that the caller will grant. There must be a free
// record. The caller and grant set the rest.
func (s *Shard) takeLock(tag uint32) (uint32, *lock) {
	i, l := s.locks.take()
	l.tag, l.first, l.last, l.waiters, l.meta, l.extra = tag, none, none, 0, 0, 0
	return i, l
}

// growFor makes room for one more lock.
func (s *Shard) growFor() {
	if s.locks.full() && !s.sort.handBack(&s.locks) {
		s.locks.grow(s.sort.vacantChunk(&s.locks), uint32(s.number))
		s.table.took(lockChunkBytes)
	}
	if s.index.Full() {
		s.index.Grow()
		s.table.took(s.index.Bytes())
	}
	s.extendReach()
}

// forget frees the record of a lock without holder and waiters, whose service is dropped. Its entry
// in the wheel of leases stays, because the next lock of the record usually has a later deadline
// and needs no new entry. The entry of a free record comes up once and is removed then.
func (s *Shard) forget(i uint32, l *lock) {
	if l.first != none {
		panic("BUG: a lock with waiters is forgotten")
	}
	s.index.Remove(l.tag, i)
	s.freeLock(i, l)
}

// freeLock is forget for a lock that is not in the index any more.
func (s *Shard) freeLock(i uint32, l *lock) {
	if l.meta != 0 {
		s.setMeta(&l.grantee, nil)
	}
	s.dropString(l.text[:inlineNameMax], int(l.nameLen))
	s.locks.drop(i, l)
	s.lockQuota.giveBack(&s.table.locks)
}
