//go:build !amd64

package codec

func markEnds(b []byte, words []uint64) { markEndsSlow(b, words) }
