//go:build amd64 && !purego

package codec

// shortLine decodes the verb and the words of the line at b[0], which is the input from at on. It
// knows lines whose words end within 64 bytes, with a name and a service that fit into Text, a
// service of up to 32 bytes, and a time-out of up to 7 digits, and leaves all others: end is 0
// then, and p may be half filled. If a blank follows the last word, it returns more and the index
// after the blank; options follow there. The line may end after the input: the caller sees it from
// end.
//
// shortLineGo is the same in Go.
//
//go:noescape
func shortLine(b *[lineReach]byte, at uint, p *LockCommand) (end uint)
