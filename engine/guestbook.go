package engine

import (
	"slices"
	"sync"

	"dlm/engine/auth"
	"dlm/table"
)

// rank orders guests by what they have done. The lowest goes first when others need the place.
type rank uint8

const (
	rankLeaving rank = iota // the last answer was given
	rankNothing
	rankToken  // has authenticated
	rankHolder // has released or renewed a hold, or is an admin
)

// guestbook lists the guests in the order of their arrival or last rise in rank. There are so few
// that it is searched from the beginning. Its lock is the last in the order of locks.
type guestbook struct {
	mu     sync.Mutex
	guests []guestEntry // guarded by mu
}

type guestEntry struct {
	id   table.ConnID
	rank rank
	from auth.AddressKey
}

// guestsPerAddress is how many guests an address keeps when there are more guests than places. A
// holder needs its place only for a moment.
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

// strike is leave for a caller that holds mu.
func (b *guestbook) strike(id table.ConnID) {
	b.guests = slices.DeleteFunc(b.guests, func(g guestEntry) bool { return g.id == id })
}

// last strikes off the guest that has to give up its place: of the lowest rank, the one that is
// there longest. If an address has too many guests, it is one of those.
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

// crowd returns the address with the most guests, and reports whether these are too many. The
// caller holds mu.
func (b *guestbook) crowd() (from auth.AddressKey, crowded bool) {
	count, most := make(map[auth.AddressKey]int, len(b.guests)), 0
	for _, g := range b.guests {
		if count[g.from]++; count[g.from] > most {
			from, most = g.from, count[g.from]
		}
	}
	return from, most > guestsPerAddress
}
