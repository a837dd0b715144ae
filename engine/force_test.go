package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"log/slog"
	"testing"
)

type forcedRecord struct{ Event, Outcome, Lock, Owner, Reason string }

// TestAuditHasBytesOfName, even those that JSON has no characters for.
func TestAuditHasBytesOfName(t *testing.T) {
	var b bytes.Buffer
	token := sha256.Sum256([]byte("an-admin-token"))
	s := newSim(t, func(c *Config) { c.Log, c.AdminToken = slog.New(slog.NewJSONHandler(&b, nil)), &token })
	k := s.dial(0)
	k.do("AUTH an-admin-token", "OK")
	k.do(`ACQUIRE "a\xff\x1b\"" "b\xfe" 0`, "OK")
	k.send(`FORCE-RELEASE "a\xff\x1b\"" REASON "c\n"` + "\n")
	k.expectPrefix("OK token=")
	s.e.audit.Flush()
	lines := json.NewDecoder(&b)
	for _, want := range []forcedRecord{
		{"forced-release", "asked", `a\xff\x1b\"`, "", `c\n`}, {"forced-release", "done", `a\xff\x1b\"`, `b\xfe`, `c\n`}} {
		var record forcedRecord
		if err := lines.Decode(&record); err != nil || record != want {
			t.Fatalf("%+v, %v: %s", record, err, b.String())
		}
	}
}
