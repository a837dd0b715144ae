package table

import "unsafe"

// Sizes of the records, for Totals.Bytes. The compiler computes them, so they stay right when a
// field is added.
const (
	lockBytes    = int(unsafe.Sizeof(lock{}))
	waiterBytes  = int(unsafe.Sizeof(waiter{}))
	holderBytes  = int(unsafe.Sizeof(holder{}))
	groupsBytes  = int(unsafe.Sizeof(groups{}))
	requestBytes = int(unsafe.Sizeof(request{}))
)
