package table

import (
	"strings"
	"testing"

	"dlm/internal/script"
)

// TestScripts plays the transcripts of the table's rules, whose commands are those of stage.run.
func TestScripts(t *testing.T) {
	script.Run(t, "testdata/*.txt", func(t *testing.T) func(at, command string) []string {
		st := newStage(t)
		return func(at, command string) []string {
			if command == "" {
				return nil
			}
			st.at = at
			return st.run(strings.Fields(command))
		}
	})
}
