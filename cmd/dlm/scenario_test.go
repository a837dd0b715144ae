package main

import (
	"net"
	"os/exec"
	"syscall"
	"testing"
)

// TestTwoServicesTakeTurns is the basic use of the server by two services.
func TestTwoServicesTakeTurns(t *testing.T) {
	connect := map[string]func(*testing.T, string) *client{"TCP": dial, "nc": dialNetcat}
	for name, dialer := range connect {
		t.Run("over "+name, func(t *testing.T) {
			p := startServer(t, nil)
			a, b, watcher := dialer(t, p.addr), dialer(t, p.addr), dial(t, p.addr)

			a.want(t, "ACQUIRE resource1 svcA 1000", "OK")
			b.send(t, "ACQUIRE resource1 svcB 60000")
			watcher.waitWaiters(t, "resource1", 1)
			a.want(t, "HEARTBEAT resource1 svcA", "OK")
			a.want(t, "RELEASE resource1 svcA", "OK")
			if got := b.receive(t); got != "OK" {
				t.Fatalf("the waiting ACQUIRE: got %q, want OK", got)
			}
			a.wantStart(t, "HEARTBEAT resource1 svcA", "ERROR NOTOWNER ")
			a.wantStart(t, "ACQUIRE resource1 svcA 0", "ERROR TIMEOUT ")
			b.want(t, "RELEASE resource1 svcB", "OK")
			b.wantStart(t, "RELEASE resource1 svcB", "ERROR NOTHELD ")
		})
	}
}

// dialNetcat connects through nc, as a person at a shell would.
func dialNetcat(t *testing.T, addr string) *client {
	t.Helper()
	nc := needProgram(t, "nc", "netcat-openbsd")
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(nc, host, port)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	return newClient(stdout, stdin)
}

// TestTryLineWorks runs the shell line that the server suggests at its start.
func TestTryLineWorks(t *testing.T) {
	needProgram(t, "nc", "netcat-openbsd")
	p := startServer(t, nil)
	line := p.waitLog(t, "something to try")["command"].(string)
	out, err := exec.CommandContext(t.Context(), "sh", "-c", line).CombinedOutput()
	if err != nil || string(out) != "OK\n" {
		t.Fatalf("%s\ngot %q, %v; want OK", line, out, err)
	}
}
