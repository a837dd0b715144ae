package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"dlm/codec"
	"dlm/engine/audit"
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
	s.e.audit.Flush()
	if err := json.NewDecoder(&b).Decode(&record); err != nil {
		t.Fatalf("%v: %s", err, b.String())
	}
	want := struct{ Event, Lock, Owner, Reason string }{"forced-release", `a\xff\x1b\"`, `b\xfe`, `c\n`}
	if record != want {
		t.Errorf("%+v", record)
	}
}

// brokenSink is where no record can be written.
type brokenSink struct{}

func (brokenSink) Write(*audit.Record) error { return errors.New("disk full") }
func (brokenSink) Reopen() error             { return nil }
func (brokenSink) Close() error              { return nil }

// TestWithoutAuditNothingIsForced: an admin is refused, and locks go on.
func TestWithoutAuditNothingIsForced(t *testing.T) {
	s := newSim(t, func(c *Config) {
		withTokens(c)
		c.Audit = audit.New(brokenSink{}, slog.New(slog.DiscardHandler))
	})
	k := s.dial(0)
	k.do("AUTH a-token", "OK")
	s.e.audit.Flush() // the record of the authentication finds that the sink fails
	k.do("ACQUIRE x A 0", "OK")
	k.do("FORCE-RELEASE x", "ERROR LIMIT audit the audit takes no record, see the server's log: nothing was changed")
	k.do("HEARTBEAT x A", "OK")
	if owner, code := s.e.ForceRelease([]byte("x"), 1, nil, "boss", "here"); code != codec.Limit {
		t.Errorf("over HTTP: %s, %v", owner, code)
	}
	k.do("RELEASE x A", "OK")
	k.send("INFO server\n")
	if info := k.reads(); !strings.Contains(info, "audit_error:disk full\n") {
		t.Error(info)
	}
}
