package engine

import (
	"strings"
	"testing"
)

// TestOutputBeforeAUTHIsBounded: all answers together are 1 KiB, then one error, and the end.
func TestOutputBeforeAUTHIsBounded(t *testing.T) {
	for name, input := range map[string]string{
		"HELP":              "HELP\n",
		"HELP of a command": "HELP acquire\n",
		"HELP as an array":  "*1\r\n$4\r\nHELP\r\n",
		"refused commands":  "PING\n",
		"COMMAND DOCS":      "*2\r\n$7\r\nCOMMAND\r\n$4\r\nDOCS\r\n",
		"unknown commands":  "aquire\n",
		"malformed lines":   "PING \"\n",
		"RESET":             "*1\r\n$5\r\nRESET\r\n",
		"NOPROTO":           "*2\r\n$5\r\nHELLO\r\n$1\r\n9\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t, withTokens)
			k := s.dial(0)
			for range 20 {
				k.send(strings.Repeat(input, 20))
			}
			got := k.reads()
			if max := preAuthOutputMax + 200; len(got) > max {
				t.Errorf("%d bytes of answers, more than %d", len(got), max)
			}
			lines := strings.Split(strings.TrimRight(got, "\r\n"), "\n")
			if last := lines[len(lines)-1]; !k.finished || !strings.Contains(last, "NOAUTH more than 1024 bytes") {
				t.Errorf("ended %v, last line %q", k.finished, last)
			}
			if n := s.e.rejected[rejectPreAuthOutput].Load(); n != 1 {
				t.Errorf("counted %d times", n)
			}
		})
	}
}

// TestHELPBeforeAUTHIsShort: HELP lists what can be done then; AUTH ends the bound.
func TestHELPBeforeAUTHIsShort(t *testing.T) {
	s := newSim(t, withTokens)
	k := s.dial(0)
	k.send("HELP\n")
	if got := k.reads(); !strings.HasPrefix(got, "OK lines=") || !strings.Contains(got, "AUTH <token>") || len(got) > 400 {
		t.Fatalf("%q", got)
	}
	k.do("AUTH r-token", "OK")
	for range 10 {
		k.send("HELP\n")
		if got := k.reads(); !strings.Contains(got, "ACQUIRE <lock>") {
			t.Fatalf("%q", got)
		}
	}
}
