// Package script runs transcripts: text files that say what is done and what comes of it. Only
// tests import it.
//
//	# The rule that the block shows.
//	acquire a svc-1
//	  granted token=1 count=1
//	release a svc-1
//	  released token=1 count=0
//
// A line that begins with two spaces is output. Any other line is a command, unless it is empty or
// begins with "#". An empty line ends a block. With -rewrite the actual output is written into the
// file: read the diff before you accept it.
package script

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the output of transcripts into testdata")

// indent marks a line of output.
const indent = "  "

// Run runs each file that the pattern names as a subtest. Begin returns what executes a command of
// that file and returns its lines of output. The at of a command is the place to name in failures.
// An empty command is the end of a block.
func Run(t *testing.T, pattern string, begin func(*testing.T) func(at, command string) []string) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			was := string(text)
			switch is := play(file, was, begin(t)); {
			case is == was:
			case *rewrite:
				if err := os.WriteFile(file, []byte(is), 0o644); err != nil {
					t.Fatal(err)
				}
			default:
				t.Errorf("%s differs (-rewrite accepts it):\n%s", file, diff(was, is))
			}
		})
	}
}

// play returns the transcript with its actual output.
func play(file, text string, run func(at, command string) []string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, indent) {
			continue
		}
		out.WriteString(line + "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, answer := range run(file+": "+line, line) {
			out.WriteString(indent + answer + "\n")
		}
	}
	return out.String()
}

// diff returns the blocks that differ, with the lines that are missing after "-" and those that are
// new after "+". Both texts have the same commands, and so the same blocks.
func diff(was, is string) string {
	var out strings.Builder
	blocks := strings.Split(is, "\n\n")
	for i, block := range strings.Split(was, "\n\n") {
		if i < len(blocks) && block != blocks[i] {
			out.WriteString(diffLines(strings.Split(block, "\n"), strings.Split(blocks[i], "\n")) + "\n")
		}
	}
	return out.String()
}

// diffLines goes through both from command to command, because these are the same.
func diffLines(was, is []string) string {
	var out strings.Builder
	for len(was) > 0 || len(is) > 0 {
		switch {
		case len(was) > 0 && len(is) > 0 && was[0] == is[0]:
			out.WriteString("  " + was[0] + "\n")
			was, is = was[1:], is[1:]
		case len(was) > 0 && strings.HasPrefix(was[0], indent):
			out.WriteString("- " + was[0] + "\n")
			was = was[1:]
		case len(is) > 0:
			out.WriteString("+ " + is[0] + "\n")
			is = is[1:]
		default:
			out.WriteString("- " + was[0] + "\n")
			was = was[1:]
		}
	}
	return out.String()
}
