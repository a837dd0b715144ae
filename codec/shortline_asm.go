//go:build amd64

package codec

// shortLine is plainHold for a line of at most 64 bytes with short words, the input from at on, and leaves all else to it: end is 0
// then, and p may be half filled. Bytes of b may be behind the end of the input: the caller sees it from end.
//
//go:noescape
func shortLine(b *[lineReach]byte, at uint, p *Plain) (end uint)
