//go:build amd64 && !purego

package table

// prefetch is Prefetch, whatever the size of the table.
//
//go:noescape
func prefetch(t *Table, hashes []uint64)
