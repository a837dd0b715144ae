package admintoken

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// runtimeDir gives the test a runtime directory of its own.
func runtimeDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", dir)
	return filepath.Join(dir, "dlm")
}

func TestTokenIsFoundByPortUntilItIsRemoved(t *testing.T) {
	dir, data := runtimeDir(t), t.TempDir()
	files, err := Write("secret", data, []string{"7420", "7421"})
	if err != nil || files.Path() != filepath.Join(data, Name) {
		t.Fatalf("%q, %v", files.Path(), err)
	}
	for _, path := range []string{filepath.Join(data, Name), filepath.Join(dir, "7420.token"), filepath.Join(dir, "7421.token")} {
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	for addr, want := range map[string]string{"127.0.0.1:7421": "secret", "localhost:7420": "secret", "[::1]:7420": "secret",
		"127.0.0.1:7422": "", "10.0.0.1:7421": "", "example.com:7421": "", "127.0.0.1:": "", "127.0.0.1:../x": "", "nonsense": ""} {
		if got := Find(addr); got != want {
			t.Errorf("%s: %q", addr, got)
		}
	}
	other, err := Write("other", "", []string{"7421"})
	if err != nil {
		t.Fatal(err)
	}
	files.Remove()
	if got := Find("127.0.0.1:7421"); got != "other" {
		t.Errorf("the token of another server was removed: %q", got)
	}
	other.Remove()
	for _, d := range []string{dir, data} {
		if left, err := os.ReadDir(d); err != nil || len(left) != 0 {
			t.Errorf("left in %s: %v, %v", d, left, err)
		}
	}
}

func TestNoLinkIsFollowed(t *testing.T) {
	dir, data := runtimeDir(t), t.TempDir()
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{filepath.Join(dir, "1.token"), filepath.Join(data, Name)} {
		if err := os.Symlink(victim, link); err != nil {
			t.Fatal(err)
		}
	}
	if got := Find("127.0.0.1:1"); got != "" {
		t.Errorf("read through a link: %q", got)
	}
	if _, err := Write("secret", data, []string{"1"}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "precious" {
		t.Errorf("%q, %v", text, err)
	}
	if got := Find("127.0.0.1:1"); got != "secret" {
		t.Errorf("found %q", got)
	}
}

func TestWhatOthersCanReachIsNotTrusted(t *testing.T) {
	dir := runtimeDir(t)
	if _, err := Write("secret", "", []string{"1"}); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "1.token"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := Find("127.0.0.1:1"); got != "" {
		t.Error("a file that others can read is used")
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	files, err := Write("secret", "", []string{"1"})
	if err == nil || files.Path() != "" {
		t.Errorf("written where others can write: %q", files.Path())
	}
}

func TestWithoutLoginDirectoryForTemporaryFilesIsUsed(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(dir, "missing"))
	t.Setenv("TMPDIR", dir)
	files, err := Write("secret", "", []string{"1"})
	if want := filepath.Join(dir, fmt.Sprintf("dlm-%d", os.Getuid()), "1.token"); err != nil || files.Path() != want {
		t.Fatalf("%q, %v", files.Path(), err)
	}
	Clean("", []string{"1"})
	if got := Find("127.0.0.1:1"); got != "" {
		t.Errorf("found %q", got)
	}
}
