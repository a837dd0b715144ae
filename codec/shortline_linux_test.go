package codec

import (
	"math/rand/v2"
	"syscall"
	"testing"
)

// TestPlainLinesAreReadWithinTheInput decodes lines that end where the memory of the process does.
func TestPlainLinesAreReadWithinTheInput(t *testing.T) {
	page := syscall.Getpagesize()
	mem, err := syscall.Mmap(-1, 0, 2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(mem); err != nil {
			t.Error(err)
		}
	})
	if err := syscall.Mprotect(mem[page:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(rand.Uint64(), 4))
	var d Decoder
	var burst Burst
	for range 20_000 {
		line := randomLine(rng)
		size := len(line) + rng.IntN(lineReach)
		b := mem[page-size : page : page]
		copy(b, line)
		d.DecodeBurst(b[:len(line)], &burst) // what lies behind it may be read
		d.DecodePlain(b[:len(line)], &burst[0])
	}
}
