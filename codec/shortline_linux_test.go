package codec

import (
	"math/rand/v2"
	"syscall"
	"testing"

	"dlm/internal/testflag"
)

// TestBatchReadsWithinInput decodes commands that end where the memory of the process does.
func TestBatchReadsWithinInput(t *testing.T) {
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
	rng := rand.New(rand.NewPCG(testflag.Seed(t), 4))
	var d Decoder
	var batch Batch
	var cmd Command
	for range 20_000 {
		line := []byte(randomLockCommand(rng))
		size := min(len(line)+rng.IntN(lineReach), page)
		b := mem[page-size : page : page]
		copy(b, line)
		d.DecodeBatch(b[:len(line)], &batch, BatchMax, &cmd) // what lies after it may be read
	}
}
