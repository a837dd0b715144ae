package script

import (
	"strings"
	"testing"
)

func TestTranscriptThatDiffersShowsIt(t *testing.T) {
	const was = "# Echo answers.\necho a\n  a\necho b\n  wrong\n  more\n\necho c\n  c\n"
	ends := 0
	is := play("f", was, func(at, command string) []string {
		if command == "" {
			ends++
			return nil
		}
		if at != "f: "+command {
			t.Errorf("%q at %q", command, at)
		}
		return []string{strings.TrimPrefix(command, "echo ")}
	})
	if want := "# Echo answers.\necho a\n  a\necho b\n  b\n\necho c\n  c\n"; is != want || ends != 1 {
		t.Errorf("%d blocks have ended: %q", ends, is)
	}
	want := "  # Echo answers.\n  echo a\n    a\n  echo b\n-   wrong\n-   more\n+   b\n\n"
	if got := diff(was, is); got != want {
		t.Errorf("diff:\n%s", got)
	}
}
