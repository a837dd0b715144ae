package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dlm/codec"
	"dlm/engine/audit"
)

// disk is a sink of a simulation that can be full.
type disk struct {
	full    bool
	records []string
}

func (d *disk) Write(r *audit.Record) error {
	if d.full {
		return errors.New("disk full")
	}
	if r.Event == audit.ForceRelease || r.Event == audit.Disconnect {
		d.records = append(d.records, strings.TrimSpace(fmt.Sprint(r.Lock, r.What, " ", r.Outcome, " ", r.Owner)))
	}
	return nil
}
func (*disk) Reopen() error { return nil }
func (*disk) Close() error  { return nil }

// has writes out the audit, and checks the records since the last call.
func (d *disk) has(s *sim, want ...string) {
	s.t.Helper()
	s.e.audit.Flush()
	if got := strings.Join(d.records, "; "); got != strings.Join(want, "; ") {
		s.t.Errorf("the audit has %q, want %q", got, strings.Join(want, "; "))
	}
	d.records = nil
}

const unaudited = "ERROR LIMIT audit the audit takes no record, see the server's log: nothing was changed"

// newActs starts a simulation with that audit, in which an admin holds a, b and c.
func newActs(t *testing.T, change func(*Config)) (s *sim, d *disk, admin *client) {
	d = &disk{}
	s = newSim(t, func(c *Config) {
		withTokens(c)
		c.Audit = audit.New(d, slog.New(slog.DiscardHandler))
		if change != nil {
			change(c)
		}
	})
	admin = s.dial(0)
	admin.do("AUTH a-token", "OK")
	for _, name := range []string{"a", "b", "c"} {
		admin.do("ACQUIRE "+name+" "+strings.ToUpper(name)+" 0", "OK")
	}
	return s, d, admin
}

// tokenless removes the numbers of tokens from answers.
func tokenless(answers string) string {
	return regexp.MustCompile(`token=\d+`).ReplaceAllString(answers, "token=N")
}

// sorted returns the lines in another order, the same for the same lines.
func sorted(lines string) string {
	list := strings.SplitAfter(lines, "\n")
	slices.Sort(list)
	return strings.Join(list, "")
}

// TestWithoutAuditNothingIsDone: the disk is full, and nobody knows yet. Each act of a batch is
// refused, locks go on, and acts are done when there is room again.
func TestWithoutAuditNothingIsDone(t *testing.T) {
	resp := "-" + strings.TrimPrefix(unaudited, "ERROR ") + "\r\n"
	for _, c := range []struct{ name, send, want, records string }{
		{"in turn", "FORCE-RELEASE a\nFORCE-RELEASE b TOKEN 2\nDISCONNECT %d REASON x\nHEARTBEAT a A\n",
			unaudited + "\n" + unaudited + "\n" + unaudited + "\nOK\n", "a asked; a LIMIT"},
		{"with tags", "@1 FORCE-RELEASE a\n@2 FORCE-RELEASE b TOKEN 2\n@3 DISCONNECT %d REASON x\nHEARTBEAT a A\n",
			"OK\n@1 " + unaudited + "\n@2 " + unaudited + "\n@3 " + unaudited + "\n", "a asked; b asked; a LIMIT; b LIMIT"},
		{"in RESP", array("FORCE-RELEASE", "a") + array("FORCE-RELEASE", "b") + array("PING"), resp + resp + "+PONG\r\n", "a asked; a LIMIT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, d, k := newActs(t, nil)
			other := s.dial(1)
			s.e.audit.Flush()
			d.full = true
			send := c.send
			if strings.Contains(send, "%d") {
				send = fmt.Sprintf(send, other.c.number)
			}
			k.send(send)
			if got := k.reads(); got != c.want && (c.name != "with tags" || sorted(got) != sorted(c.want)) {
				t.Errorf("got %q", got)
			}
			if s.free("a") || s.free("b") || other.gone || other.c.closing {
				t.Error("something was done")
			}
			if owner, code := s.e.ForceRelease(t.Context(), []byte("b"), 2, nil, "boss", "here"); code != codec.Limit {
				t.Errorf("over HTTP: %s, %v", owner, code)
			}
			if code := s.e.Disconnect(t.Context(), other.c.number, nil, "boss", "here"); code != codec.Limit {
				t.Errorf("over HTTP: %v", code)
			}
			k.do("ACQUIRE d D 0", "OK")
			k.send("INFO server\n")
			if info := k.reads(); !strings.Contains(info, "audit_error:disk full\n") {
				t.Error(info)
			}
			d.full = false
			d.has(s, c.records) // others met a disk that was known to be full
			k.send("FORCE-RELEASE b\n")
			k.expectPrefix("OK token=")
			d.has(s, "b asked", "b done B")
			if !s.free("b") {
				t.Error("b is held")
			}
		})
	}
}

// TestHTTPMeetsAFullDiskFirst: its acts wait for their records too.
func TestHTTPMeetsAFullDiskFirst(t *testing.T) {
	s, d, k := newActs(t, nil)
	s.e.audit.Flush()
	d.full = true
	if owner, code := s.e.ForceRelease(t.Context(), []byte("a"), 1, nil, "boss", "here"); code != codec.Limit || s.free("a") {
		t.Errorf("%s, %v, free: %v", owner, code, s.free("a"))
	}
	d.full = false
	d.has(s, "a asked", "a LIMIT")
	d.full = true
	if code := s.e.Disconnect(t.Context(), k.c.number, nil, "boss", "here"); code != codec.Limit || k.gone || k.c.closing {
		t.Errorf("%v, gone: %v", code, k.gone)
	}
	d.full = false
	what := fmt.Sprint("client ", k.c.number)
	d.has(s, what+" asked", what+" LIMIT")
}

// TestActsKeepTheOrderOfAnswers: untagged commands after an act are executed after it, and those
// with a tag pass.
func TestActsKeepTheOrderOfAnswers(t *testing.T) {
	s, d, k := newActs(t, nil)
	other := s.dial(1)
	other.do("AUTH l-token", "OK")
	other.send("ACQUIRE a next 9000\n")
	k.send("FORCE-RELEASE a\nSTATUS a\n@t PING\nFORCE-RELEASE a\nACQUIRE b X 0\nFORCE-RELEASE b\nACQUIRE b X 0\nRELEASE b X\n")
	got := tokenless(k.reads())
	got = regexp.MustCompile(`OK (state=held|mode)[^\n]*`).ReplaceAllString(got, "OK held")
	want := "@t OK\nOK token=N owner=\"A\"\n"
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "\nOK token=N owner=\"next\"\n"+
		"ERROR TIMEOUT \"B\" 0 not granted within the wait timeout\nOK token=N owner=\"B\"\nOK\nOK\n") {
		t.Errorf("got %q", got)
	}
	other.expect("OK\n")
	d.has(s, "a asked", "a done A", "a asked", "a done next", "b asked", "b done B")
}

// TestManyActsWithTags: more than the questions that may be answered at one time.
func TestManyActsWithTags(t *testing.T) {
	s, _, k := newActs(t, nil)
	const acts = 10 * questionsMax
	var in, want strings.Builder
	for i := range acts {
		k.do(fmt.Sprintf("ACQUIRE l%d S 0", i), "OK")
		fmt.Fprintf(&in, "@%d FORCE-RELEASE l%d\n", i, i)
		fmt.Fprintf(&want, "@%d OK token=N owner=\"S\"\n", i)
	}
	k.send(in.String())
	if got := tokenless(k.reads()); got != want.String() {
		t.Errorf("%d bytes, want %d: %.200s", len(got), want.Len(), got)
	}
	if s.e.audit.Flush(); k.c.asked != 0 {
		t.Errorf("%d acts are left", k.c.asked)
	}
}

// TestActThatNobodyWaitsFor is not done, because its connection is gone, has taken it back, or has
// lost its rights, while the audit took its time.
func TestActThatNobodyWaitsFor(t *testing.T) {
	for name, leave := range map[string]func(*sim, *client){
		"a reset":    func(_ *sim, k *client) { k.hangUp() },
		"CANCEL":     func(_ *sim, k *client) { k.send("CANCEL @f\nCANCEL @d\n") },
		"RESET":      func(_ *sim, k *client) { k.send(array("RESET")) },
		"a new AUTH": func(_ *sim, k *client) { k.send("AUTH l-token\n") },
	} {
		t.Run(name, func(t *testing.T) {
			s, d, k := newActs(t, nil)
			other := s.dial(1)
			s.hold = true
			k.send(fmt.Sprintf("@f FORCE-RELEASE a\n@d DISCONNECT %d REASON x\n", other.c.number))
			leave(s, k)
			s.hold = false
			s.settle()
			what := fmt.Sprint("client ", other.c.number)
			d.has(s, "a asked", what+" asked", what+" CANCELED", "a CANCELED")
			if s.free("a") || other.gone || other.c.closing {
				t.Error("something was done")
			}
			if name != "a reset" && k.c.asked != 0 {
				t.Errorf("%d questions are open", k.c.asked)
			}
		})
	}
}

// TestActOfAClientThatEndsItsInput is done and answered, as nc -N expects.
func TestActOfAClientThatEndsItsInput(t *testing.T) {
	s, d, k := newActs(t, nil)
	s.hold = true
	k.send("FORCE-RELEASE a\nFORCE-RELEASE b\n")
	k.endInput()
	s.hold = false
	s.settle()
	if got := tokenless(k.reads()); got != "OK token=N owner=\"A\"\nOK token=N owner=\"B\"\n" || !k.gone {
		t.Errorf("%q, closed: %v", got, k.gone)
	}
	d.has(s, "a asked", "a done A", "b asked", "b done B")
}

// TestActOnAHoldThatHasEnded meanwhile: the token names the hold, and the next one stays.
func TestActOnAHoldThatHasEnded(t *testing.T) {
	s, d, k := newActs(t, nil)
	worker := s.dial(1)
	worker.do("AUTH l-token", "OK")
	s.hold = true
	k.send("@1 FORCE-RELEASE a TOKEN 1\n@2 FORCE-RELEASE b TOKEN 2\n")
	worker.send("RELEASE a A\nACQUIRE a next 0\nRELEASE b B\n")
	s.hold = false
	s.settle()
	worker.expect("OK\nOK\nOK\n")
	k.expect("@1 ERROR STALE the token is not that of the present hold\n" +
		"@2 ERROR NOTHELD nobody holds this lock: it was never acquired, or released, expired or forced\n")
	worker.do("HEARTBEAT a next", "OK")
	d.has(s, "a asked", "b asked", "a STALE", "b NOTHELD")
}

// TestStopWhileActsWait: they are answered SHUTDOWN, and not done.
func TestStopWhileActsWait(t *testing.T) {
	s, d, k := newActs(t, nil)
	s.hold = true
	k.send("@t FORCE-RELEASE a\nFORCE-RELEASE b\n")
	s.e.draining.Store(true)
	s.e.drained.Add(1)
	s.e.reactors[0].handle(orderDrain)
	s.hold = false
	s.settle()
	k.expect("@t ERROR SHUTDOWN the server is stopping\nERROR SHUTDOWN the server is stopping\n")
	d.has(s, "a asked", "b asked", "a SHUTDOWN", "b SHUTDOWN")
	if s.free("a") || s.free("b") {
		t.Error("something was done")
	}
	if owner, code := s.e.ForceRelease(t.Context(), []byte("c"), 3, nil, "boss", "here"); code != codec.Shutdown {
		t.Errorf("over HTTP: %s, %v", owner, code)
	}
}

// TestActAfterARefusedMulti is not executed, and leaves no record.
func TestActAfterARefusedMulti(t *testing.T) {
	s, d, k := newActs(t, nil)
	act := array("FORCE-RELEASE", "a")
	k.send(array("MULTI") + act + array("EXEC") + act + array("PING"))
	got := k.reads()
	if !strings.HasPrefix(got, "-ERR MULTI ") || !strings.Contains(got, "-EXECABORT ") || !strings.HasSuffix(got, "\r\nowner\r\n$1\r\nA\r\n+PONG\r\n") {
		t.Errorf("got %q", got)
	}
	d.has(s, "a asked", "a done A")
}

// TestAnswerOfAnActComesBeforeItsEvents, as that of any command does.
func TestAnswerOfAnActComesBeforeItsEvents(t *testing.T) {
	_, _, k := newActs(t, nil)
	k.do("WATCH a", "OK")
	k.send("FORCE-RELEASE a REASON r\n")
	if got := tokenless(k.reads()); !strings.HasPrefix(got, "OK token=N owner=\"A\"\nEVENT forced lock=\"a\" ") {
		t.Errorf("got %q", got)
	}
}
