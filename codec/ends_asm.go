//go:build amd64

package codec

// markEnds marks the bytes below '#' of b in words: b has endsLen bytes for each.
//
//go:noescape
func markEnds(b []byte, words []uint64)
