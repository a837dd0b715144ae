package mutants

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var all = flag.Bool("mutants", false, "run the mutants that -run names")

const root = "../.."

// TestMutantsAreFound checks that each rule is where the list says.
func TestMutantsAreFound(t *testing.T) {
	for _, m := range list {
		if _, err := m.text(); err != nil {
			t.Error(err)
		}
		for _, key := range m.by {
			if tests[key].run == "" {
				t.Errorf("%s: no test is called %q", m.name, key)
			}
		}
	}
}

// TestMutantsAreCaught runs the mutants.
func TestMutantsAreCaught(t *testing.T) {
	if !*all {
		t.Skip("each mutant is compiled anew, so only make mutants and make check run them")
	}
	for i := range list {
		t.Run(list[i].name, func(t *testing.T) { list[i].check(t) })
	}
}

// text returns the file with the broken rule.
func (m *mutant) text() (string, error) {
	b, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(b), m.old); n != 1 {
		return "", fmt.Errorf("%s: %q is found %d times in %s", m.name, m.old, n, m.file)
	}
	return strings.Replace(string(b), m.old, m.new, 1), nil
}

// check fails if one of the tests does not catch the mutant.
func (m *mutant) check(t *testing.T) {
	overlay := m.overlay(t)
	for _, key := range m.by {
		cmd := exec.Command("go", "test", "-vet=off", "-count=1", "-timeout=5m", "-overlay", overlay, "-run", tests[key].run, tests[key].pkg)
		cmd.Dir = root
		// The kill test builds a server of its own.
		cmd.Env = append(os.Environ(), "DLM_KILLS=8", "DLM_OVERLAY="+overlay)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		said := string(out)
		switch {
		case err == nil:
			t.Errorf("%s does not catch it", key)
		case strings.Contains(said, "panic: test timed out"):
			t.Errorf("%s does not end", key)
		case !errors.As(err, &exit), !strings.Contains(said, "--- FAIL: ") && !strings.Contains(said, "panic: "):
			t.Errorf("%s does not run: %v\n%s", key, err, out)
		}
	}
}

// overlay writes the file with the broken rule, and the file that tells the go command of it.
func (m *mutant) overlay(t *testing.T) string {
	text, err := m.text()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, err := filepath.Abs(filepath.Join(root, m.file))
	if err != nil {
		t.Fatal(err)
	}
	broken, overlay := filepath.Join(dir, "broken.go"), filepath.Join(dir, "overlay.json")
	b, err := json.Marshal(map[string]map[string]string{"Replace": {file: broken}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{broken: text, overlay: string(b)} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return overlay
}
