package mutants

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var count = flag.Int("mutants", 0, "how many mutants to run, drawn at random; -1: all")

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

// TestMutantsAreCaught runs as many mutants as the flag says.
func TestMutantsAreCaught(t *testing.T) {
	if *count == 0 {
		t.Skip("each mutant is compiled anew, so only make mutants and make check run them")
	}
	order := rand.Perm(len(list))
	if *count > 0 {
		order = order[:min(*count, len(order))]
	}
	for _, i := range order {
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
		cmd := exec.Command("go", "test", "-vet=off", "-count=1", "-timeout=2m", "-overlay", overlay, "-run", tests[key].run, tests[key].pkg)
		cmd.Dir = root
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		switch {
		case err == nil:
			t.Errorf("%s does not catch it", key)
		case !errors.As(err, &exit), !strings.Contains(string(out), "--- FAIL: ") && !strings.Contains(string(out), "panic: "):
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
