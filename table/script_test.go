package table

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the output of the scripts into testdata instead of comparing it")

// TestScripts runs the scenario scripts. A script is a list of blocks:
//
//	# why this must be so
//	acquire a svc-1 wait=0 ttl=5s
//	advance 5s
//	----
//	granted token=1 count=1 lease=5s
//	5s: expired a svc-1 token=1
//
// An empty line ends a block. The commands are those of stage.run. Read the diff before you accept
// the result of -rewrite.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			out := runScript(t, file, string(text))
			if *rewrite && out != string(text) {
				if err := os.WriteFile(file, []byte(out), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// runScript runs a script and returns it with its actual output.
func runScript(t *testing.T, file, text string) string {
	st := newStage(t)
	var all strings.Builder
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := 0; i < len(lines); {
		var got []string
		start := i
		for ; i < len(lines) && lines[i] != "----"; i++ {
			line := lines[i]
			all.WriteString(line + "\n")
			if line != "" && line[0] != '#' {
				st.at = file + ": " + line
				got = append(got, st.run(strings.Fields(line))...)
			}
		}
		if i == len(lines) {
			if got != nil {
				t.Fatalf("%s:%d: block without ----", file, start+1)
			}
			break
		}
		i++
		first := i
		for i < len(lines) && lines[i] != "" {
			i++
		}
		want := lines[first:i]
		if !*rewrite && strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s:%d: got\n\t%s\nwant\n\t%s", file, first+1,
				strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
		all.WriteString("----\n")
		for _, line := range got {
			all.WriteString(line + "\n")
		}
	}
	return all.String()
}
