package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dlm/cmd/dlm/settings"
	"dlm/engine/snapshot"
)

// TestLogPipeThatBreaksEndsNobody is `dlm server 2>&1 | head -1`: the reader of the log leaves,
// the server runs on, and its stop is clean.
func TestLogPipeThatBreaksEndsNobody(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(binary, "server", "--listen", "127.0.0.1:0", "--http", "off", "--log-format", "json", "--data-dir", dir)
	cmd.Env = cleanEnv()
	cmd.SysProcAttr = ownGroup()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, exited: make(chan error, 1), records: make(chan map[string]any)}
	close(p.records)
	t.Cleanup(func() { p.end(t) })
	lines := bufio.NewReader(stderr)
	for p.addr == "" { // the line that names the address is among the first
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		p.addr = regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(line)
	}
	_ = stderr.Close()
	go func() { p.exited <- cmd.Wait() }()

	c := dial(t, p.addr)
	c.want(t, "ACQUIRE l me 0", "OK")
	p.signal(t, syscall.SIGHUP) // the server logs that
	c.want(t, "PING", "OK")
	p.signal(t, syscall.SIGTERM)
	if err := p.waitExit(t); err != nil {
		t.Errorf("the stop: %v", err)
	}
	start, err := snapshot.ReadStart(dir)
	if err != nil || start.CleanImage == "" {
		t.Errorf("no final image: %+v, %v", start, err)
	}
}

// TestLogThatNobodyReadsHoldsUpNeitherLocksNorStop fills the log's pipe with forced releases. When
// their records find no room, the releases are refused.
func TestLogThatNobodyReadsHoldsUpNeitherLocksNorStop(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	if _, err := unix.FcntlInt(write.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		t.Skipf("the pipe can't be made small: %v", err)
	}
	token, addr := settings.NewToken(), freeAddr(t)
	cmd := exec.Command(binary, "server", "--listen", addr, "--http", "off", "--log-format", "json")
	cmd.Env = cleanEnv("DLM_ADMIN_TOKEN=" + token)
	cmd.Stderr = write
	cmd.SysProcAttr = ownGroup()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	p := &process{cmd: cmd, addr: addr, exited: make(chan error, 1), records: make(chan map[string]any)}
	close(p.records)
	go func() { p.exited <- cmd.Wait() }()
	t.Cleanup(func() { p.end(t) })

	c := dialWhenOpen(t, addr)
	c.want(t, "AUTH "+token, "OK")
	const forced = 20_000 // more than the queues of the audit and the log take
	refused := 0
	go io.WriteString(c.w, strings.Repeat("ACQUIRE l me 0\nFORCE-RELEASE l\n", forced))
	for range 2 * forced {
		switch got := c.receive(t); {
		case strings.HasPrefix(got, "ERROR LIMIT audit "):
			refused++
		case !strings.HasPrefix(got, "OK"):
			t.Fatal(got)
		}
	}
	if refused == 0 || refused > forced-1500 { // each leaves two records, and the log takes 4,096
		t.Errorf("%d of %d forced releases are refused", refused, forced)
	}
	c.want(t, "ACQUIRE l me 0", "OK")
	c.want(t, "HEARTBEAT l me", "OK")
	p.signal(t, syscall.SIGTERM)
	if err := p.waitExit(t); err != nil {
		t.Errorf("the stop: %v", err)
	}
}

// dialWhenOpen connects to a server whose log can't say when it serves.
func dialWhenOpen(t *testing.T, addr string) *client {
	t.Helper()
	for end := time.Now().Add(eventually); time.Now().Before(end); {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			t.Cleanup(func() { conn.Close() })
			return newClient(conn, conn)
		}
		time.Sleep(10 * time.Millisecond) // a port that opens sends no event
	}
	t.Fatalf("%s does not open", addr)
	return nil
}
