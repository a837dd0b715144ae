package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// exposureMax is the highest exposure that `systemd-analyze security` may find, in tenths.
const exposureMax = "15"

// needTool returns the path of a program that a package of Debian has.
func needTool(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv("DLM_CI") != "":
		t.Fatalf("%s is missing: install %s", name, debian)
	}
	t.Skipf("%s is missing: install %s", name, debian)
	return ""
}

// run runs a tool and returns what it says.
func run(t *testing.T, path string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", filepath.Base(path), strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestUnit lets systemd read the unit, alone and with each drop-in.
func TestUnit(t *testing.T) {
	tool := needTool(t, "systemd-analyze", "systemd")
	text, err := os.ReadFile("systemd/dlm.service")
	if err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("true") // it need not be dlm, but must be there
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\nExecStart=/usr/bin/dlm server ") {
		t.Error("the unit does not start the program of the package")
	}
	unit := filepath.Join(t.TempDir(), "dlm.service")
	write(t, unit, strings.ReplaceAll(string(text), "/usr/bin/dlm", program))
	for _, file := range []string{"", "tokens.conf", "tls.conf"} {
		dropIn := filepath.Join(unit+".d", "example.conf")
		if file != "" {
			text, err := os.ReadFile(filepath.Join("systemd", file))
			if err != nil {
				t.Fatal(err)
			}
			write(t, dropIn, string(text))
		}
		if out := run(t, tool, "verify", "--man=no", unit); out != "" {
			t.Errorf("systemd-analyze verify says:\n%s", out)
		}
		run(t, tool, "security", "--offline=true", "--threshold="+exposureMax, unit)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
