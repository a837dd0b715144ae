package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPackageScripts runs the scripts of the packages beside a systemctl that answers as a test
// wants. A failure of systemd must not leave the package half installed, or impossible to remove.
func TestPackageScripts(t *testing.T) {
	for _, c := range []struct {
		name, script, arg string
		fails             string // what systemctl refuses
		want              string // what it was asked for
		says              string
	}{
		{"an upgrade restarts the server", "postinstall", "configure", "none",
			"daemon-reload\ntry-restart dlm.service\n", ""},
		{"a server that does not start again is named", "postinstall", "configure", "try-restart",
			"daemon-reload\ntry-restart dlm.service\n", "systemctl status dlm"},
		{"an upgrade by dpkg stops nothing", "preremove", "upgrade", "none", "", ""},
		{"an upgrade by rpm stops nothing", "preremove", "1", "none", "", ""},
		{"a removal by dpkg stops and disables", "preremove", "remove", "none",
			"stop dlm.service\n--no-reload disable dlm.service\n", ""},
		{"a removal by rpm stops and disables", "preremove", "0", "none",
			"stop dlm.service\n--no-reload disable dlm.service\n", ""},
		{"a masked unit is removed", "preremove", "remove", "disable",
			"stop dlm.service\n--no-reload disable dlm.service\n", ""},
		{"a removal reloads the units", "postremove", "remove", "none", "daemon-reload\n", ""},
		{"a failed reload is no failed removal", "postremove", "remove", "daemon-reload",
			"daemon-reload\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			text, err := os.ReadFile("release/scripts/" + c.script + ".sh")
			if err != nil {
				t.Fatal(err)
			}
			booted := filepath.Join(dir, "booted")
			write(t, filepath.Join(booted, "x"), "")
			script := filepath.Join(dir, "script")
			write(t, script, strings.ReplaceAll(string(text), "/run/systemd/system", booted))
			asked := filepath.Join(dir, "asked")
			write(t, filepath.Join(dir, "systemctl"), `#!/bin/sh
echo "$*" >>`+asked+`
case "$*" in *`+c.fails+`*) exit 1 ;; esac
`)
			if err := os.Chmod(filepath.Join(dir, "systemctl"), 0o755); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "/bin/sh", script, c.arg)
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%s.sh %s: %v\n%s", c.script, c.arg, err, out)
			}
			if !strings.Contains(string(out), c.says) {
				t.Errorf("%s.sh says %q, want %q", c.script, out, c.says)
			}
			if got, _ := os.ReadFile(asked); string(got) != c.want {
				t.Errorf("systemctl was asked for %q, want %q", got, c.want)
			}
		})
	}
}
