package engine

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dlm/internal/testflag"
)

// vanish ends a connection silently, like a machine that is restarted.
func vanish(t *testing.T, conn *net.TCPConn) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_REPAIR, 1)
	}); err != nil {
		t.Fatal(err)
	}
	if errors.Is(failed, unix.EPERM) {
		t.Skip("not permitted to end a connection without a word")
	}
	if failed != nil {
		t.Fatal(failed)
	}
	conn.Close()
}

// waitsFor sends an ACQUIRE that has to wait, and returns when it has waited for that long.
func waitsFor(t *testing.T, e *Engine, conn net.Conn, service string, d time.Duration) {
	t.Helper()
	waiters := e.tab().Totals().Waiters
	if _, err := fmt.Fprintf(conn, "ACQUIRE x %s 60000\n", service); err != nil {
		t.Fatal(err)
	}
	eventually(t, "no wait has begun", func() bool { return e.tab().Totals().Waiters == waiters+1 })
	from := e.clock.Now()
	eventually(t, "time stands still", func() bool { return e.clock.Now()-from >= int64(d) })
}

// TestWaiterWhoseMachineWasRestartedIsPassedOver: it answers the grant with a reset.
func TestWaiterWhoseMachineWasRestartedIsPassedOver(t *testing.T) {
	e := serve(t, func(*Config) {})
	holder, dead, next := dialServer(t, e), dialServer(t, e), dialServer(t, e)
	ask(t, holder, "ACQUIRE x holder 0", "OK")
	ask(t, dead, "PING", "OK")
	waitsFor(t, e, dead, "dead", silentMin)
	vanish(t, dead)
	waitsFor(t, e, next, "next", 0)
	ask(t, holder, "RELEASE x holder", "OK")
	if got, err := bufio.NewReader(next).ReadString('\n'); err != nil || got != "OK\n" {
		t.Fatalf("%q, %v", got, err)
	}
	if n := e.tab().Totals().TakeBacks; n != 1 {
		t.Fatalf("%d grants were taken back", n)
	}
}

// TestGrantThatWasReadStandsWhateverClientDoes: the client resets its connection as soon as it
// has read the grant. The kernel would have acknowledged it 40 ms later.
func TestGrantThatWasReadStandsWhateverClientDoes(t *testing.T) {
	e := serve(t, func(*Config) {})
	holder := dialServer(t, e)
	for i := range 30 {
		ask(t, holder, "ACQUIRE x holder 0", "OK")
		client := dialServer(t, e)
		for range i {
			ask(t, client, "PING", "OK")
		}
		waitsFor(t, e, client, "client", time.Duration(i%2)*silentMin)
		ask(t, holder, "RELEASE x holder", "OK")
		if got, err := bufio.NewReader(client).ReadString('\n'); err != nil || got != "OK\n" {
			t.Fatalf("%q, %v", got, err)
		}
		if err := client.SetLinger(0); err != nil {
			t.Fatal(err)
		}
		client.Close()
		eventually(t, "the connection is there", func() bool { return e.conns.Load() == 1 })
		if n := e.tab().Totals().TakeBacks; n != 0 {
			t.Fatalf("after %d commands: a grant was taken back that the client has read", i)
		}
		ask(t, holder, "RELEASE x client", "OK")
	}
}

// TestGrantsThatAreStillInKernelAreTakenBack: the kernel takes megabytes of replies for a client
// that reads none, and a client that dies can have read only what its own kernel had room for.
func TestGrantsThatAreStillInKernelAreTakenBack(t *testing.T) {
	n := testflag.Large(40_000) // the kernel takes all replies
	for _, forms := range []string{"arrays", "lines"} {
		for _, end := range []string{"reset", "close"} {
			t.Run(forms+", "+end, func(t *testing.T) {
				e := serve(t, func(*Config) {})
				conn := dialServer(t, e)
				if err := conn.SetReadBuffer(4096); err != nil {
					t.Fatal(err)
				}
				var in bytes.Buffer
				for i := range n {
					if forms == "arrays" {
						in.WriteString(array("ACQUIRE", fmt.Sprintf("l%d", i), "me", "0"))
					} else {
						fmt.Fprintf(&in, "@%s%d ACQUIRE l%d me 0\n", strings.Repeat("x", 20), i, i)
					}
				}
				if _, err := conn.Write(in.Bytes()); err != nil {
					t.Fatal(err)
				}
				eventually(t, "not all commands were executed", func() bool { return e.tab().Totals().Grants == uint64(n) })
				if end == "reset" {
					if err := conn.SetLinger(0); err != nil {
						t.Fatal(err)
					}
				}
				conn.Close()
				eventually(t, "the connection is there", func() bool { return e.conns.Load() == 0 })
				eventually(t, "most grants stand", func() bool { return e.tab().Totals().Held < n/2 })
				if n := e.buffers.total.Load(); n != 0 {
					t.Fatalf("%d bytes are accounted for", n)
				}
			})
		}
	}
}
