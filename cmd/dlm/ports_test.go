package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// dialUnix connects to a Unix socket.
func dialUnix(t *testing.T, path string) *client {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return newClient(conn, conn)
}

// TestUnixSocket serves on a Unix socket, and starts again after a kill has left its file.
func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dlm.sock")
	p := startServer(t, nil, "--listen", "unix:"+path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Fatalf("%v, %v", info, err)
	}
	a, b := dialUnix(t, path), dialUnix(t, path)
	a.want(t, "ACQUIRE l a 0", "OK")
	b.send(t, "ACQUIRE l b 60000")
	a.waitWaiters(t, "l", 1)
	a.want(t, "RELEASE l a", "OK")
	if got := b.receive(t); got != "OK" {
		t.Error(got)
	}
	large := strings.Repeat("PING\n", 100_000)
	go func() { _, _ = a.w.Write([]byte(large)) }()
	for range 100_000 {
		if got := a.receive(t); got != "OK" {
			t.Fatal(got)
		}
	}
	needProgram(t, "nc", "netcat-openbsd")
	out, err := exec.CommandContext(t.Context(), "sh", "-c", p.waitLog(t, "something to try")["command"].(string)).Output()
	if err != nil || string(out) != "OK\n" {
		t.Errorf("the command of the log says %q, %v", out, err)
	}
	if _, errs, code := command(t, nil, "server", "--http", "off", "--listen", "unix:"+path); code != exitFailure || !strings.Contains(errs, "already in use") {
		t.Errorf("a second server: %d %s", code, errs)
	}
	b.want(t, "PING", "OK")

	// The file of a killed server stays, and does not keep the next one from starting.
	copied := filepath.Join(filepath.Dir(path), "stale.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: copied, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	startServer(t, nil, "--listen", "unix:"+copied)
	dialUnix(t, copied).want(t, "PING", "OK")

	p.signal(t, syscall.SIGTERM)
	if err := p.waitExit(t); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file of a stopped server: %v", err)
	}
}

// TestProxyHeaderIsRequired takes connections of HAProxy with a PROXY header of version 2, and no
// others from its address. Elsewhere a connection has none.
func TestProxyHeaderIsRequired(t *testing.T) {
	p := startServer(t, nil, "--proxy-from", "127.0.0.5/32", "--max-conns-per-address", "8")
	at := startHAProxy(t, p.addr)
	waitUntil(t, "HAProxy listens", func() bool {
		conn, err := net.Dial("tcp", at[3])
		return err == nil && conn.Close() == nil
	})
	first := dialFrom(t, "127.0.0.33", at[2])
	first.want(t, "ACQUIRE x v2 0", "OK")
	for range 7 {
		dialFrom(t, "127.0.0.33", at[2]).want(t, "PING", "OK")
	}
	// The address counts as that of the client. A proxy would have more connections than these.
	dialFrom(t, "127.0.0.33", at[2]).wantStart(t, "PING", "ERROR LIMIT conns this address")
	if record := p.waitLog(t, "connections beyond a limit"); record["from"] != "127.0.0.33" {
		t.Errorf("the log names %v", record)
	}
	dialFrom(t, "127.0.0.34", at[2]).want(t, "PING", "OK")
	dialFrom(t, "127.0.0.35", p.addr).want(t, "PING", "OK")
	for from, addr := range map[string]string{"127.0.0.36": at[1], "127.0.0.5": p.addr} {
		c := dialFrom(t, from, addr)
		c.wantStart(t, "ACQUIRE y direct 0", "ERROR BADARG from this address a connection begins with a PROXY header")
		if line, open := <-c.lines; open {
			t.Errorf("%s without a header of version 2: %q", from, line)
		}
	}
	first.want(t, "STATUS y", "OK state=free")
	first.want(t, "RELEASE x v2", "OK")
}

// dialFrom is dial with an address of this machine as the client's.
func dialFrom(t *testing.T, ip, addr string) *client {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
	conn, err := dialer.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return newClient(conn, conn)
}
