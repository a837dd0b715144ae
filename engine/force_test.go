package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"log/slog"
	"testing"
)

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
	var record struct{ Event, Lock, Owner, Reason string }
	if err := json.Unmarshal(b.Bytes(), &record); err != nil {
		t.Fatalf("%v: %s", err, b.String())
	}
	want := struct{ Event, Lock, Owner, Reason string }{"forced-release", `a\xff\x1b\"`, `b\xfe`, `c\n`}
	if record != want {
		t.Errorf("%+v", record)
	}
}
