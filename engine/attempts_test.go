package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestAttemptsAreSummedUpInAudit: a record per address and minute, however many there are.
func TestAttemptsAreSummedUpInAudit(t *testing.T) {
	s := newSim(t, withTokens)
	for i := range 500 {
		k := s.dialFrom(i%2, fmt.Sprintf("192.0.2.%d", i%250))
		k.send("AUTH wrong\nAUTH wrong\nAUTH wrong\n")
		s.advance(50 * time.Millisecond)
		if i%5 == 0 {
			s.sweep()
		}
	}
	if log := s.auditText(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "event=wrong-token from=10.0.0.1 what=\"lock port\" count=1") || strings.Contains(log, "AUTH") {
		t.Fatal(log)
	}
	if info := string(s.e.infoClients(nil)); !strings.Contains(info, "\r\nwrong_tokens:1") {
		t.Fatal(info)
	}
}
