package engine

import (
	"fmt"
	"strings"
	"testing"

	"dlm/table"
)

// TestRequestsOfOneHolderHaveALimit: a service may have 64 requests with REQ that wait or are held,
// of one lock. Requests for other locks, and of other services, are accepted.
func TestRequestsOfOneHolderHaveALimit(t *testing.T) {
	const which = "LIMIT retries " + "no more requests with REQ can be remembered, because all of them wait or are held " +
		"(64 per lock and service, max-retries): nothing was changed"
	s := newSim(t, nil)
	a := s.dial(0)
	a.do("ACQUIRE x A 0", "OK")
	for i := range table.RequestsPerHolderMax {
		a.do(fmt.Sprintf("ACQUIRE x A 0 REQ %d", i), "OK")
	}
	a.do("ACQUIRE x A 0 REQ more", "ERROR "+which)
	a.do("@t ACQUIRE x A 60000 REQ more", "@t ERROR "+which)
	a.send(lineArray("ACQUIRE x A 0 REQ more"))
	a.expect("-" + which + "\r\n")
	a.do("ACQUIRE x A 0", "OK")
	a.do("ACQUIRE x A 0 REQ 3", "OK") // a repeat
	a.do("ACQUIRE y A 0 REQ more", "OK")
	a.do("ACQUIRE x B 0 REQ more QUEUE 0", `ERROR TIMEOUT "A" 0 not granted within the wait timeout`)
	a.do("CANCEL x A REQ 3", "OK was=granted token="+fmt.Sprint(tokenOf(t, s.ask("HEARTBEAT x A"))))
	a.do("ACQUIRE x A 0 REQ more", "OK")
}

// TestQuestionsHaveALimit: a question beyond those that are being answered is refused.
func TestQuestionsHaveALimit(t *testing.T) {
	const which = "LIMIT pending too many such questions are being answered: ask again"
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	s.hold = true
	for i := range questionsMax {
		a.send(fmt.Sprintf("@%d OWNER svc\n", i))
	}
	a.do("@more OWNER svc", "@more ERROR "+which)
	b.do("EVENTS", "ERROR "+which)
	b.send(lineArray("TOP"))
	b.expect("-" + which + "\r\n")
	s.deliver()
	if got := a.reads(); strings.Count(got, " OK lines=0 ") != questionsMax {
		t.Fatalf("the questions before are answered %q", got)
	}
	b.send("EVENTS\n")
	b.expectPrefix("OK lines=0 ")
}
