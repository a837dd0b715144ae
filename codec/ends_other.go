//go:build !amd64

package codec

// endsFast: without vectors it is quicker to look for one end after the other.
const endsFast = false

func wordEnds(*[endsLen]byte) uint64 { return 0 }
