package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// TestBinaryIsStatic: the binary names no interpreter, so it runs with any libc and without one.
func TestBinaryIsStatic(t *testing.T) {
	if runtime.GOOS != "linux" || hasRace() {
		t.Skip("ELF without the race detector only")
	}
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, part := range f.Progs {
		if part.Type == elf.PT_INTERP || part.Type == elf.PT_DYNAMIC {
			t.Errorf("the binary has a part %v", part.Type)
		}
	}
}

// TestEveryBuildIsStatic: the README, the Makefile and the scripts build the command like the
// tests.
func TestEveryBuildIsStatic(t *testing.T) {
	for _, name := range []string{"README.md", "Makefile", "bench/profile.sh"} {
		text, err := os.ReadFile(filepath.Join(repository, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			if strings.Contains(line, "go build") && !strings.Contains(line, "CGO_ENABLED=0 go build -trimpath") {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}

// TestMakeHelpListsEveryTarget that a person may type.
func TestMakeHelpListsEveryTarget(t *testing.T) {
	program := needProgram(t, "make", "make")
	cmd := exec.CommandContext(t.Context(), program, "help")
	cmd.Dir = repository
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(repository, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	phony := regexp.MustCompile(`(?m)^\.PHONY: (.*)$`).FindStringSubmatch(string(text))
	if phony == nil {
		t.Fatal("no .PHONY")
	}
	for _, target := range strings.Fields(phony[1]) {
		if !regexp.MustCompile(`(?m)^` + target + ` +\S`).Match(out) {
			t.Errorf("no line for %s in\n%s", target, out)
		}
	}
}
