package codec

import (
	"math/rand/v2"
	"testing"
)

// TestWordEnds compares the marks of random bytes, many of them next to the limit, with a
// look at each, for inputs of all lengths around those of blocks and steps.
func TestWordEnds(t *testing.T) {
	rng := rand.New(rand.NewPCG(rand.Uint64(), 1))
	var e wordEnds
	for size := 1; size <= endsLen*(endsStep+2); size++ {
		buf := make([]byte, size+rng.IntN(3*endsLen))
		for i := range buf {
			if buf[i] = byte(rng.Uint32()); rng.IntN(2) == 0 {
				buf[i] = '"' + byte(rng.IntN(2))
			}
		}
		for i := range e.words {
			e.words[i] = rng.Uint64() // of the input before
		}
		e.mapped = 0
		b := buf[:size:len(buf)]
		step := 1 + uint(rng.IntN(2)*rng.IntN(3*endsLen))
		for at := uint(0); at < uint(size); at += step {
			mapped := at+endsLen <= e.mapped || e.extend(b, at)
			if fits := at+endsLen <= uint(cap(b))/endsLen*endsLen; mapped != fits {
				t.Fatalf("%d bytes of %d at %d: mapped is %v", size, cap(b), at, mapped)
			}
			if !mapped {
				break
			}
			want := uint64(0)
			for i, c := range b[at:min(at+endsLen, uint(size))] {
				if c < '#' {
					want |= 1 << i
				}
			}
			if got := e.from(at); got != want {
				t.Fatalf("%d bytes of %d at %d: got %x, want %x", size, cap(b), at, got, want)
			}
		}
	}
}

// TestMarkEndsSlow compares both ways to mark.
func TestMarkEndsSlow(t *testing.T) {
	rng := rand.New(rand.NewPCG(rand.Uint64(), 2))
	for n := range endsStep + 1 {
		for range 1000 {
			b := make([]byte, n*endsLen)
			for i := range b {
				b[i] = "\x00 !\"#$\x7f\x80\xa2\xa3\xff"[rng.IntN(11)]
			}
			got, want := make([]uint64, n), make([]uint64, n)
			markEnds(b, got)
			markEndsSlow(b, want)
			for i, c := range b {
				if marked := want[i/endsLen]>>(i%endsLen)&1 == 1; marked != (c < '#') {
					t.Fatalf("%q: byte %d is marked: %v", b, i, marked)
				}
			}
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("%q, block %d: got %x, want %x", b, i, got[i], want[i])
				}
			}
		}
	}
}
