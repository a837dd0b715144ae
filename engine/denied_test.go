package engine

import (
	"strings"
	"testing"
)

// TestRefusalsToOthersThanAdminsAreSummedUp: counted in INFO, one record of the audit.
func TestRefusalsToOthersThanAdminsAreSummedUp(t *testing.T) {
	s := newSim(t, nil)
	k := s.dial(0)
	for range 1000 {
		k.send("FORCE-RELEASE x\n")
	}
	text := s.auditText()
	if strings.Count(text, "\n") != 1 || !strings.Contains(text, "event=denied") || !strings.Contains(text, "what=FORCE-RELEASE count=1000") {
		t.Errorf("records: %s", text)
	}
	k.reads()
	k.send("INFO clients\n")
	if got := k.reads(); !strings.Contains(got, "denied_admin_commands:1000\n") {
		t.Error(got)
	}
}
