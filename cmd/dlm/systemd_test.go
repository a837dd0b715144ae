package main

import (
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestServiceManagerIsInformed plays systemd to the built binary.
func TestServiceManagerIsInformed(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(eventually)); err != nil {
		t.Fatal(err)
	}
	next := func() string {
		var b [256]byte
		n, err := conn.Read(b[:])
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	p := startServer(t, []string{"NOTIFY_SOCKET=" + socket, "WATCHDOG_USEC=30000"})
	for i, want := range []string{"READY=1\nSTATUS=serving", "WATCHDOG=1", "WATCHDOG=1"} {
		if got := next(); got != want {
			t.Fatalf("message %d is %q, want %q", i+1, got, want)
		}
	}
	p.signal(t, syscall.SIGTERM)
	for got := ""; got != "STOPPING=1\nSTATUS=stopping"; {
		if got = next(); got != "WATCHDOG=1" && got != "STOPPING=1\nSTATUS=stopping" {
			t.Fatalf("at the stop: %q", got)
		}
	}
	if err := p.waitExit(t); err != nil {
		t.Error(err)
	}
}
