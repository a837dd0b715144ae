package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"dlm/codec"
	"dlm/engine/audit"
)

// longest is a string of so many bytes that begins with a number. JSON makes six bytes of each
// other one.
func longest(number, size int) string {
	s := fmt.Sprint(number)
	return s + strings.Repeat("<", size-len(s))
}

// answerBytesMax is what 256 KiB of strings become in JSON, with the numbers beside them, and with
// the row that reaches the bound.
const answerBytesMax = 7 * auditBytes

// part is what the answers to questions for lists have in common.
type part struct {
	Rows      []json.RawMessage
	Edges     []json.RawMessage
	Holds     []json.RawMessage
	Queue     []json.RawMessage
	Truncated bool
	Cursor    string
	Next      any // a number, or of a lock the next service
}

// crowded lets services with the longest ids have and want locks with the longest names: a crowd at
// one lock, and 60 services that wait for 20 others each.
func (r *rig) crowded(services, waits int) {
	r.t.Helper()
	const rest = " TTL 3600000 META "
	p, meta := r.dial(), longest(0, codec.MetaMax)
	for i := range 300 {
		p.do("ACQUIRE "+longest(1000+i, codec.NameMax)+" "+longest(0, codec.ServiceMax)+" 0"+rest+meta, "OK")
		p.do("ACQUIRE shared "+longest(i, codec.ServiceMax)+" 0 SHARED"+rest+meta, "OK")
	}
	for i := range 300 {
		p.send(fmt.Sprintf("@s%d ACQUIRE shared %s 3600000%s%s", i, longest(500+i, codec.ServiceMax), rest, meta))
	}
	for i := range services {
		p.do("ACQUIRE "+longest(i, codec.NameMax)+" "+longest(2000+i, codec.ServiceMax)+" 0"+rest+meta, "OK")
	}
	for i := range services {
		for j := range waits {
			p.send(fmt.Sprintf("@w%d-%d ACQUIRE %s %s 3600000", i, j, longest((i+j+1)%services, codec.NameMax), longest(2000+i, codec.ServiceMax)))
		}
	}
	r.waitFor(300 + services*waits)
}

// TestAnswersHaveABound asks for lists with the longest strings. An answer ends early, and says
// that it goes on.
func TestAnswersHaveABound(t *testing.T) {
	r := newRig(t, withAdminToken)
	const services, waits, records = 60, 20, 300
	r.crowded(services, waits)
	for i := range records {
		r.e.Audit().Note(audit.Record{Event: audit.ForceRelease, Lock: longest(i, codec.NameMax), Owner: longest(i, codec.ServiceMax), Reason: longest(i, codec.MetaMax)})
	}
	for question, rows := range map[string]int{
		"graph?lock=" + url.QueryEscape(longest(0, codec.NameMax)):                  services * waits,
		"graph?owner=" + url.QueryEscape(longest(2000, codec.ServiceMax)):           services * waits,
		"owner?limit=1000&service=" + url.QueryEscape(longest(0, codec.ServiceMax)): 301,
		"locks?limit=1000": 301 + services,
		"audit?limit=1000": records,
	} {
		var a part
		var size, n int
		r.until(func() bool { a, size = r.part(question); n = len(a.Rows) + len(a.Edges); return n > 0 })
		goesOn := a.Truncated || a.Cursor != "" || a.Next == float64(n+1)
		if n >= rows || size > answerBytesMax || !goesOn {
			t.Errorf("%.20s: %d bytes with %d of %d rows, goes on %v", question, size, n, rows, goesOn)
		}
	}
	if a, size := r.part("lock?name=shared"); len(a.Holds) != 100 || len(a.Queue) != 100 || size > answerBytesMax {
		t.Errorf("lock: %d bytes with %d holders and %d requests", size, len(a.Holds), len(a.Queue))
	}
}

// part asks a question, and returns the answer and its size.
func (r *rig) part(question string) (a part, size int) {
	r.t.Helper()
	status, body := r.patiently("GET", question, "boss")
	if err := json.Unmarshal([]byte(body), &a); err != nil || status != http.StatusOK {
		r.t.Fatalf("%.20s: %d %v %.200s", question, status, err, body)
	}
	return a, len(body)
}

// TestAuditGoesOn: the parts of the audit together have each record once, and last= begins with the
// newest.
func TestAuditGoesOn(t *testing.T) {
	r := newRig(t, withAdminToken)
	const records = 300
	for i := range records {
		r.e.Audit().Note(audit.Record{Event: audit.ForceRelease, At: time.UnixMilli(1), Reason: longest(i, codec.MetaMax), Lock: longest(i, codec.NameMax)})
	}
	seen, parts := 0, 0
	for since := uint64(0); ; parts++ {
		var a auditAnswer
		if r.get("boss", fmt.Sprintf("audit?limit=1000&since=%d", since), &a); len(a.Rows) == 0 {
			break
		}
		for _, row := range a.Rows {
			if row.Event == audit.ForceRelease {
				if want := longest(seen, codec.NameMax); string(row.Lock) != want {
					t.Fatalf("record %d is of %.10s", seen, row.Lock)
				}
				seen++
			}
		}
		since = a.Next
	}
	if seen != records || parts < 2 {
		t.Errorf("%d records in %d parts", seen, parts)
	}
	var all, last auditAnswer
	r.get("boss", "audit?last=100", &last)
	r.get("boss", fmt.Sprintf("audit?since=%d", last.Next), &all)
	if len(last.Rows) != 100 || last.Rows[99].Seq+1 != last.Next {
		t.Errorf("%d rows to %d", len(last.Rows), last.Next)
	}
	for _, row := range all.Rows {
		// The questions of this test may be noted meanwhile.
		if row.Event != audit.AdminAuth || row.Seq < last.Next {
			t.Errorf("after the newest: %+v", row)
		}
	}
}
