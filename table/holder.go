package table

import (
	"dlm/codec"
	"dlm/table/index"
	"dlm/table/wheel"
)

// holderTextLen is the room for the service id of a holder: a UUID has 36 bytes, and a longer id is
// in the arena. With it a record has 96 bytes.
const holderTextLen = 38

// holder is the record of one service that holds a lock together with others. It is in the list of
// its lock, in both indexes, and in the wheel of leases unless its hold has ended in a grace.
type holder struct {
	hold
	grantee
	lock       uint32
	next, prev uint32 // in the order of tokens
	tag        uint32 // in the index of owners
	serviceLen uint16
	text       [holderTextLen]byte
}

// groups is what a shard has for locks with several holders. A shard that never had such a lock has
// none of it.
type groups struct {
	holders slab[holder]
	owners  index.Index // holders by lock and service
	tokens  index.Index // holders by token, since no token of a shard is given twice
	leases  wheel.Wheel // holders at their deadlines, or earlier: renewals do not move them

	moved [codec.ServiceMax]byte // a service id that moves from one record to another
}

// makeGroups makes the shard ready for locks with several holders.
func (s *Shard) makeGroups() {
	if s.groups == nil {
		s.groups = &groups{}
		s.table.took(groupsBytes)
		s.groups.leases.Reset(tickAt(s.leaseNow()))
	}
}

func (s *Shard) holderAt(i uint32) *holder { return s.groups.holders.at(i) }

// ownerTag returns the tag of a holder in the index of owners.
func (s *Shard) ownerTag(l *lock, service []byte) uint32 {
	return uint32(s.table.Hash(service)) ^ l.tag*ownerFactor
}

// ownerFactor spreads the tags of names: see hash.go.
const ownerFactor = 0x9e3779b1

// tokenTag returns the tag of a holder in the index of tokens. Tokens that follow each other are
// spread, because in a run of full slots each removal would walk to its end.
func tokenTag(token codec.Token) uint32 { return uint32(uint64(token) * foldFactor >> 32) }

// findHolder returns the record of that service in the group of lock i, or none and nil.
func (s *Shard) findHolder(i uint32, l *lock, service []byte) (uint32, *holder) {
	if s.groups == nil {
		return none, nil
	}
	tag := s.ownerTag(l, service)
	x := &s.groups.owners
	for slot, rec := x.Find(tag, tag); rec != 0; slot, rec = x.Find(tag, slot+1) {
		if h := s.holderAt(rec - 1); h.lock == i && string(s.holderService(h)) == string(service) {
			return rec - 1, h
		}
	}
	return none, nil
}

// findToken returns the holder that has the token, or none and nil.
func (s *Shard) findToken(token codec.Token) (uint32, *holder) {
	if s.groups == nil {
		return none, nil
	}
	tag := tokenTag(token)
	x := &s.groups.tokens
	for slot, rec := x.Find(tag, tag); rec != 0; slot, rec = x.Find(tag, slot+1) {
		if h := s.holderAt(rec - 1); h.token == token {
			return rec - 1, h
		}
	}
	return none, nil
}

// holderService returns the service id of the holder. It aliases the record or the arena.
func (s *Shard) holderService(h *holder) []byte {
	return s.stringIn(h.text[:], int(h.serviceLen))
}

// addHolder makes the record of a holder of lock i and puts it at the end of the lock's list. The
// caller has a credit for it, and sets hold and grantee except the token.
func (s *Shard) addHolder(i uint32, l *lock, service []byte, token codec.Token) (uint32, *holder) {
	s.makeGroups()
	if at := s.quotas(); at != nil {
		at.record(ofHolds, service)
	}
	g := s.groups
	mapped := g.holders.mapped
	hi, _ := g.holders.take()
	if g.holders.mapped > mapped {
		s.table.took(holderChunkBytes)
	}
	h := g.holders.at(hi)
	*h = holder{lock: i, tag: s.ownerTag(l, service), serviceLen: uint16(len(service))}
	h.token = token
	s.setString(h.text[:], service)
	s.addToIndex(&g.owners, h.tag, hi)
	s.addToIndex(&g.tokens, tokenTag(token), hi)
	s.linkHolder(hi, h, l)
	return hi, h
}

// linkHolder puts the holder at the end of the lock's list.
func (s *Shard) linkHolder(hi uint32, h *holder, l *lock) {
	head, tail := l.list()
	h.prev, h.next = tail, none
	if tail == none {
		head = hi
	} else {
		s.holderAt(tail).next = hi
	}
	l.setList(head, hi)
}

func (s *Shard) unlinkHolder(h *holder, l *lock) {
	head, tail := l.list()
	if h.prev == none {
		head = h.next
	} else {
		s.holderAt(h.prev).next = h.next
	}
	if h.next == none {
		tail = h.prev
	} else {
		s.holderAt(h.next).prev = h.prev
	}
	l.setList(head, tail)
}

// dropHolder frees the record of a holder that does not count any more.
func (s *Shard) dropHolder(hi uint32, h *holder, l *lock) {
	g := s.groups
	if at := s.quotas(); at != nil {
		at.forget(ofHolds, s.holderService(h))
	}
	s.unlinkHolder(h, l)
	g.owners.Remove(h.tag, hi)
	g.tokens.Remove(tokenTag(h.token), hi)
	if g.leases.Has(hi) {
		g.leases.Remove(hi)
	}
	s.setMeta(&h.grantee, nil)
	s.dropString(h.text[:], int(h.serviceLen))
	g.holders.drop(hi)
	s.lockQuota.giveBack(&s.table.locks)
}

// setToken gives a hold a new token, and with it the last place of the list of holders.
func (s *Shard) setToken(hi uint32, h *holder, l *lock, token codec.Token) {
	if h == nil {
		l.token = token
		return
	}
	s.unlinkHolder(h, l)
	s.groups.tokens.Remove(tokenTag(h.token), hi)
	h.token = token
	s.groups.tokens.Add(tokenTag(token), hi)
	s.linkHolder(hi, h, l)
}

// armHolder makes sure that the wheel hands out the holder no later than its deadline: see
// armLease.
func (s *Shard) armHolder(hi uint32, h *holder) {
	leases, tick := &s.groups.leases, tickOf(h.deadline)
	if !leases.Has(hi) || leases.Tick(hi) > tick {
		s.noteDue(leases.Move(hi, tick))
	}
}

// holderFits is lockFits for a further holder of a lock.
func (s *Shard) holderFits(service, meta []byte) bool {
	g := s.groups
	if g == nil || !g.holders.hasRoom() || g.owners.Full() || g.tokens.Full() {
		return false
	}
	var need blocks
	need.add(len(service), holderTextLen)
	need.add(len(meta), 0)
	return s.arena.fits(&need)
}

// records returns the number of holders, live and free.
func (g *groups) records() uint32 {
	if g == nil {
		return 0
	}
	return g.holders.len()
}

// bytes returns the memory of the groups, used and free.
func (g *groups) bytes() int {
	if g == nil {
		return 0
	}
	return groupsBytes + g.holders.mapped*slabChunkLen*holderBytes + g.owners.Bytes() + g.tokens.Bytes() + g.leases.Bytes()
}

// bytesUsed returns the memory of the present holders.
func (g *groups) bytesUsed() int {
	if g == nil {
		return 0
	}
	return g.holders.live * (holderBytes + wheel.EntryBytes + 2*index.BytesPerRecord)
}
