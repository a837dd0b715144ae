package admin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dlm/engine"
	"dlm/engine/audit"
)

// TestAuditOverHTTP asks for the records of a forced release, by page and by role.
func TestAuditOverHTTP(t *testing.T) {
	r := newRig(t, withTokens)
	k := r.dial()
	k.do("AUTH boss", "OK")
	k.do(`ACQUIRE "a\xff" b 0`, "OK")
	k.do(`FORCE-RELEASE "a\xff" REASON "it hangs"`, "OK token=")
	k.do("FORCE-RELEASE gone", "ERROR NOTHELD")
	for token, want := range map[string]int{"": 401, "guessed": 401, "reader": 403, "worker": 403} {
		if status := r.get(token, "audit", &struct{}{}); status != want {
			t.Errorf("token %q: %d, want %d", token, status, want)
		}
	}
	var asked, first, second auditAnswer
	if status := r.get("boss", "audit?limit=1", &asked); status != http.StatusOK || len(asked.Rows) != 1 || asked.Next != 2 {
		t.Fatalf("%d %+v", status, asked)
	}
	if row := asked.Rows[0]; row.Event != audit.ForceRelease || row.Outcome != audit.Asked || string(row.Lock) != "a\xff" {
		t.Errorf("%+v", row)
	}
	if status := r.get("boss", "audit?since=2&limit=1", &first); status != http.StatusOK || len(first.Rows) != 1 || first.Next != 3 {
		t.Fatalf("%d %+v", status, first)
	}
	if row := first.Rows[0]; row.Event != audit.ForceRelease || row.Outcome != audit.Done || row.By != "boss" || string(row.Lock) != "a\xff" ||
		string(row.Owner) != "b" || row.Token == 0 || string(row.Reason) != "it hangs" || row.AtMs == 0 {
		t.Errorf("%+v", row)
	}
	if r.get("boss", "audit?since=4&limit=1", &second); len(second.Rows) != 1 || second.Rows[0].Outcome != "NOTHELD" {
		t.Errorf("%+v", second)
	}
	if status := r.get("boss", "audit?since=x", &struct{}{}); status != http.StatusBadRequest {
		t.Errorf("since=x: %d", status)
	}
}

// fullDisk is a sink that takes nothing.
type fullDisk struct{}

func (fullDisk) Write(*audit.Record) error { return errors.New("disk full") }
func (fullDisk) Reopen() error             { return nil }
func (fullDisk) Close() error              { return nil }

// TestWithoutAuditNobodyIsPromoted: neither a promotion nor a step down begins, also if it is the
// first to meet the full disk, and images are sent.
func TestWithoutAuditNobodyIsPromoted(t *testing.T) {
	f := &fake{audit: audit.New(fullDisk{}, slog.New(slog.DiscardHandler))}
	_, base := serve(t, f)
	for _, path := range []string{"/promote", "/depose"} {
		if code, body, _ := ask(t, "POST", base+path, "a"); code != http.StatusServiceUnavailable || !strings.HasPrefix(body, "LIMIT audit ") {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if f.steppedDown != 0 || len(f.promoted) != 0 {
		t.Error("something was done")
	}
	if code, _, _ := ask(t, "GET", base+"/snapshot", "b"); code != http.StatusNoContent {
		t.Errorf("image: %d", code)
	}
}

// TestPromotionsAreRecorded with their outcome.
func TestPromotionsAreRecorded(t *testing.T) {
	f := &fake{promotion: errors.New("the primary does not answer")}
	_, base := serve(t, f)
	ask(t, "POST", base+"/promote", "a")
	ask(t, "POST", base+"/depose", "a")
	var got []string
	for records, _, _ := f.Audit().Since(0, 9); len(records) > 0; records = records[1:] {
		got = append(got, strings.Join([]string{string(records[0].Event), records[0].Outcome, records[0].By, records[0].Detail}, " "))
	}
	want := "promote asked ann ; promote failed ann the primary does not answer; depose asked ann ; depose done ann "
	if strings.Join(got, "; ") != want {
		t.Errorf("%q", got)
	}
}

var _ Engine = (*engine.Engine)(nil)

// slowDisk is a sink that takes a second for a record.
type slowDisk struct{}

func (slowDisk) Write(*audit.Record) error { time.Sleep(time.Second); return nil }
func (slowDisk) Reopen() error             { return nil }
func (slowDisk) Close() error              { return nil }

// TestChangeOfThePrimaryGoesOnWithoutItsAsker, who may have left while the process was paused.
func TestChangeOfThePrimaryGoesOnWithoutItsAsker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := audit.New(slowDisk{}, slog.New(slog.DiscardHandler))
		l.Start()
		s := &Server{engine: &fake{audit: l}}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if noteEnd, ok := s.beginAudit(gone, audit.Record{Event: audit.StepDown}); ok {
			noteEnd(nil)
		} else {
			t.Error("it is refused")
		}
		l.Close(time.Minute)
	})
}
