package engine

import (
	"sync"

	"dlm/engine/auth"
	"dlm/table"
)

// rank orders guests by what they have shown. The lowest goes first when others need the place.
type rank uint8

const (
	rankLeaving rank = iota // has been answered for the last time
	rankNothing
	rankToken  // has authenticated
	rankHolder // has released or renewed a hold, or is an admin
)

// guestbook lists the guests in the order in which they came or last rose in rank. There are so
// few that it is searched from the beginning. It is the last lock that is taken.
type guestbook struct {
	mu     sync.Mutex
	guests []guestEntry // guarded by mu
}

type guestEntry struct {
	id   table.ConnID
	rank rank
	from auth.AddressKey
}

// guestsPerAddress is how many guests an address keeps when there are more than places. A holder
// needs its place for a moment only.
const guestsPerAddress = guestsWanted / 4

// enter notes the rank of a guest, known or not.
func (b *guestbook) enter(id table.ConnID, rank rank, from auth.AddressKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.strike(id)
	b.guests = append(b.guests, guestEntry{id, rank, from})
}

// leave strikes a guest off.
func (b *guestbook) leave(id table.ConnID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.strike(id)
}

// strike is leave with mu held.
func (b *guestbook) strike(id table.ConnID) {
	for i := range b.guests {
		if b.guests[i].id == id {
			b.guests = append(b.guests[:i], b.guests[i+1:]...)
			return
		}
	}
}

// last strikes off the guest that is to give up its place: of the lowest rank, the one that is
// there longest. If an address has very many guests, it is one of those.
func (b *guestbook) last() (id table.ConnID, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	crowd, crowded := b.crowd()
	found := -1
	for i, g := range b.guests {
		if (!crowded || g.from == crowd) && (found < 0 || g.rank < b.guests[found].rank) {
			found = i
		}
	}
	if found < 0 {
		return 0, false
	}
	id = b.guests[found].id
	b.strike(id)
	return id, true
}

// crowd returns the address that has most guests, and reports whether these are too many. It is
// called with mu held.
func (b *guestbook) crowd() (from auth.AddressKey, crowded bool) {
	count, most := make(map[auth.AddressKey]int, len(b.guests)), 0
	for _, g := range b.guests {
		if count[g.from]++; count[g.from] > most {
			from, most = g.from, count[g.from]
		}
	}
	return from, most > guestsPerAddress
}
