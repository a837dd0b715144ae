package engine

import (
	"os"
	"syscall"
	"testing"
)

// TestMemoryIsKnownWithoutDescriptors: the limit of memory counts the same when the process can
// open no more files.
func TestMemoryIsKnownWithoutDescriptors(t *testing.T) {
	newSim(t, nil)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := limit
	none.Cur = 0
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	_, failed := os.Open(os.DevNull)
	resident := residentBytes()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if failed == nil {
		t.Fatal("a file could be opened, so this shows nothing")
	}
	if resident < 1<<20 {
		t.Errorf("%d bytes are resident without a descriptor", resident)
	}
	if again := residentBytes(); again < 1<<20 {
		t.Errorf("%d bytes are resident", again)
	}
}
