package table

import "unsafe"

// Sizes of the records, for Totals.Bytes: the compiler knows them, and a
// number written down would go wrong with the next field.
const (
	lockBytes   = int(unsafe.Sizeof(lock{}))
	waiterBytes = int(unsafe.Sizeof(waiter{}))
)
