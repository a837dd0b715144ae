package table

import (
	"math"

	"dlm/codec"
)

// share says how a lock may be held at the same time. It is a property of a hold and of a request.
// A number from 1 to codec.PermitsMax is the permits of a semaphore.
type share uint32

const (
	exclusive share = 0                  // by one service
	shared    share = math.MaxUint32     // by any number of services
	upgrading share = math.MaxUint32 - 1 // a request: the sole holder wants to be exclusive
)

// shareOf returns the share that the command asks for.
func shareOf(cmd *codec.Command) share {
	switch {
	case cmd.Has(codec.OptShared):
		return shared
	case cmd.Has(codec.OptPermits):
		return share(cmd.Permits)
	}
	return exclusive
}

// permits returns the number of permits, or 0 if the share is none of a semaphore.
func (a share) permits() uint32 {
	if a <= codec.PermitsMax {
		return uint32(a)
	}
	return 0
}

// word returns the word for the share.
func (a share) word() string {
	switch a {
	case exclusive:
		return "exclusive"
	case shared:
		return "shared"
	case upgrading:
		return "upgrade"
	}
	return "permits"
}

// mixes reports whether requests of both shares may wait for one lock. A semaphore is another kind
// of lock than one that is shared and exclusive in turn.
func (a share) mixes(b share) bool { return a.permits() == b.permits() }
