package transport

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// TestUnixSocketReplacesOnlyStaleSocket: a path that is wrong must not cost somebody else's file.
func TestUnixSocketReplacesOnlyStaleSocket(t *testing.T) {
	dir := t.TempDir()
	file, link, folder, stale := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "folder"), filepath.Join(dir, "stale")
	if err := errors.Join(os.WriteFile(file, []byte("precious"), 0o600), os.Symlink(file, link), os.Mkdir(folder, 0o700)); err != nil {
		t.Fatal(err)
	}
	old, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	old.SetUnlinkOnClose(false)
	_ = old.Close()
	for path, taken := range map[string]bool{file: true, link: true, folder: true, stale: false} {
		l, err := Listen(UnixPrefix + path)
		if taken != errors.Is(err, errNoSocket) || !taken && err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if err == nil {
			_ = l.Close()
		}
	}
	if text, err := os.ReadFile(link); string(text) != "precious" {
		t.Errorf("the file has %q, %v", text, err)
	}
	if _, err := os.Lstat(stale); !os.IsNotExist(err) {
		t.Errorf("the file of a closed listener: %v", err)
	}
}

// TestUnixSocketKeepsFileOfNext: if somebody removes the file of a server, another one may take the
// path. The end of the first must leave that its file.
func TestUnixSocketKeepsFileOfNext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	first, err := Listen(UnixPrefix + path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second, err := Listen(UnixPrefix + path)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Close(), second.Close()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the file of the second: %v", err)
	}
}
