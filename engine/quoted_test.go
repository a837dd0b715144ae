package engine

import (
	"strings"
	"testing"
)

// TestNoRuneThatSteersTerminalLeavesServer has U+009B, U+202E and U+2028 in a name, a service
// and a reason.
func TestNoRuneThatSteersTerminalLeavesServer(t *testing.T) {
	const name = "\u009b31m\u202ex\u2028y"
	s := newSim(t, withTokens)
	boss := s.dial(0)
	boss.do("AUTH a-token", "OK")
	boss.do("ACQUIRE \""+name+"\" \"s"+name+"\" 0 META \""+name+"\"", "OK")
	for _, line := range []string{"STATUS \"" + name + "\"", "LOCKS", "ACQUIRE \"" + name + "\" other 0",
		"FORCE-RELEASE \"" + name + "\" REASON \"" + name + "\"", name + " a", "RELEASE a b " + name + " 1"} {
		for _, input := range []string{line + "\n", lineArray(strings.ReplaceAll(line, "\"", ""))} {
			boss.send(input)
			got := boss.reads()
			if input[0] == '*' && !strings.HasPrefix(got, "-") {
				continue // values of RESP are the bytes themselves
			}
			if strings.ContainsAny(got, "\u009b\u202e\u2028") {
				t.Errorf("%q: %q", input, got)
			}
		}
	}
	if strings.ContainsAny(s.auditText(), "\u009b\u202e\u2028") || !strings.Contains(s.log.String(), `xc2`) {
		t.Errorf("log: %q", s.log.String())
	}
}
