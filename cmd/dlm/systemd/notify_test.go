package systemd

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
)

// manager listens as systemd does, and puts its variables into the environment of the test.
func manager(t *testing.T, socket string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv(envSocket, socket)
	t.Setenv(envWatchdog, "3000")
	t.Setenv(envWatchdogOf, strconv.Itoa(os.Getpid()))
	return conn
}

// next returns the next message that the manager has received.
func next(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	var b [256]byte
	n, err := conn.Read(b[:])
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// TestMessages covers a socket with a path and one of the abstract name space.
func TestMessages(t *testing.T) {
	for _, socket := range []string{filepath.Join(t.TempDir(), "notify"), "@dlm-test-" + strconv.Itoa(os.Getpid())} {
		conn := manager(t, socket)
		m, err := FromEnvironment()
		if err != nil {
			t.Fatal(err)
		}
		if os.Getenv(envSocket)+os.Getenv(envWatchdog)+os.Getenv(envWatchdogOf) != "" {
			t.Error("the variables are left for children")
		}
		m.Ready()
		m.Stopping()
		for _, want := range []string{"READY=1\nSTATUS=serving", "STOPPING=1\nSTATUS=stopping"} {
			if got := next(t, conn); got != want {
				t.Errorf("%s: got %q, want %q", socket, got, want)
			}
		}
	}
}

// TestWatchdogIsFedWhileAlive checks that a server that hangs is silent, and that one that goes on
// is heard again. Stopping is the mark that stands between both times.
func TestWatchdogIsFedWhileAlive(t *testing.T) {
	conn := manager(t, filepath.Join(t.TempDir(), "notify"))
	m, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	var alive atomic.Bool
	var asked atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	hung := make(chan struct{})
	go func() {
		defer close(ended)
		m.Watch(ctx, func() bool {
			if asked.Add(1) == 3 {
				close(hung)
			}
			return alive.Load()
		})
	}()
	<-hung // asked three times, answered no
	m.Stopping()
	alive.Store(true)
	if got := next(t, conn); got != "STOPPING=1\nSTATUS=stopping" {
		t.Errorf("a server that hangs says %q", got)
	}
	if got := next(t, conn); got != "WATCHDOG=1" {
		t.Errorf("a server that is alive says %q", got)
	}
	cancel()
	<-ended
}

func TestWithoutManager(t *testing.T) {
	t.Setenv(envSocket, "")
	m, err := FromEnvironment()
	if m != nil || err != nil {
		t.Fatalf("%v %v", m, err)
	}
	m.Ready()
	m.Stopping()
	m.Watch(t.Context(), func() bool { t.Error("nobody watches"); return true })
}

func TestWatchdogOfAnotherProcess(t *testing.T) {
	manager(t, filepath.Join(t.TempDir(), "notify"))
	t.Setenv(envWatchdogOf, "1")
	m, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	m.Watch(t.Context(), func() bool { t.Error("another process is watched"); return true })
}

func TestVariablesThatAreWrong(t *testing.T) {
	manager(t, filepath.Join(t.TempDir(), "notify"))
	t.Setenv(envWatchdog, "3s")
	if _, err := FromEnvironment(); err == nil {
		t.Error("a watchdog of 3s is taken")
	}
	t.Setenv(envSocket, filepath.Join(t.TempDir(), "missing"))
	if _, err := FromEnvironment(); err == nil {
		t.Error("a socket that is not there is taken")
	}
}
