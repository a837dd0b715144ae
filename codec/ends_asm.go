//go:build amd64

package codec

// endsFast tells whether wordEnds is worth its call.
const endsFast = true

// wordEnds returns the places of the bytes that are below '#', as all that end or
// quote a word are: bit i for byte i.
//
//go:noescape
func wordEnds(b *[endsLen]byte) uint64
