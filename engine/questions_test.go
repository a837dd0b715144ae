package engine

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"dlm/codec"
)

// varying are numbers that depend on the real clock.
var varying = regexp.MustCompile(`\b(age_ms|at_ms|token)=\d+`)

// answers checks the whole output since the last call, with zero for numbers that vary.
func (k *client) answers(want ...string) {
	k.s.t.Helper()
	got := varying.ReplaceAllString(k.reads(), "$1=0")
	if got != strings.Join(want, "\n")+"\n" {
		k.s.t.Fatalf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// waitFor makes clients wait for locks, a second apart.
func (s *sim) waitFor(lock, holder string, waiters ...string) {
	s.dial(0).do(fmt.Sprintf("ACQUIRE %s %s 0 TTL 60000", lock, holder), "OK")
	for i, w := range waiters {
		s.dial(i % 2).send(fmt.Sprintf("ACQUIRE %s %s 30000 META m-%d\n", lock, w, i))
		s.advance(time.Second)
	}
}

func TestTopOfWaitingLocks(t *testing.T) {
	s := newSim(t, nil)
	s.waitFor("a", "A", "x", "y", "z")
	s.waitFor("b", "B", "x")
	k := s.dial(1)
	k.send("TOP LIMIT 1\n@t TOP WAIT LIMIT 1\nTOP HOLD LIMIT 1\nTOP HEAT\n")
	k.answers(
		`OK lines=1 cursor="" age_ms=0 truncated=0 hidden=0`,
		`lock="a" mode=exclusive owner="A" holders=1 token=0 count=1 waiters=3 waited_ms=4000 held_ms=4000 lease_ms=56000 heat_ms=0`,
		`@t OK lines=1 cursor="" age_ms=0 truncated=0 hidden=0`,
		`@t lock="a" mode=exclusive owner="A" holders=1 token=0 count=1 waiters=3 waited_ms=4000 held_ms=4000 lease_ms=56000 heat_ms=0`,
		`OK lines=1 cursor="" age_ms=0 truncated=0 hidden=0`,
		`lock="a" mode=exclusive owner="A" holders=1 token=0 count=1 waiters=3 waited_ms=0 held_ms=4000 lease_ms=56000 heat_ms=0`,
		`OK lines=0 cursor="" age_ms=0 truncated=0 hidden=0`,
	)
	k.send("RELEASE a A\nTOP HEAT\n")
	k.answers("OK", `OK lines=1 cursor="" age_ms=0 truncated=0 hidden=0`,
		`lock="a" mode=exclusive owner="x" holders=1 token=0 count=1 waiters=2 waited_ms=3000 held_ms=0 lease_ms=30000 heat_ms=4000`)
}

func TestQueueOfLock(t *testing.T) {
	s := newSim(t, withTokens)
	admin, worker := s.dial(0), s.dial(1)
	admin.do("AUTH a-token", "OK")
	worker.do("AUTH l-token", "OK")
	worker.do("ACQUIRE team/q H 0 TTL 60000", "OK")
	for i := range 3 {
		k := s.dial(i % 2)
		k.do("AUTH l-token", "OK")
		k.send(fmt.Sprintf("ACQUIRE team/q w%d 30000\n", i))
		s.advance(time.Second)
	}
	worker.send("WAITERS team/q LIMIT 2\n")
	first := worker.reads()
	cursor := regexp.MustCompile(`cursor="([^"]+)"`).FindStringSubmatch(first)
	if cursor == nil || !strings.Contains(first, "position=2 service=\"w1\" mode=exclusive waited_ms=2000 left_ms=28000\n") {
		t.Fatalf("%q", first)
	}
	worker.send("WAITERS team/q CURSOR " + cursor[1] + "\nWAITERS free\nWAITERS team/q CURSOR 1-2-3-4 LIMIT 1\n")
	worker.expectPrefix("OK lines=1 cursor=\"\"\nposition=3 service=\"w2\" mode=exclusive waited_ms=1000 left_ms=29000\n" +
		"OK lines=0 cursor=\"\"\nOK lines=1 cursor=")
	admin.send("WAITERS team/q LIMIT 1\n")
	if got := admin.reads(); !strings.Contains(got, " client=3\n") {
		t.Errorf("%q", got)
	}
	team := s.dial(0)
	team.do("AUTH t-token", "OK")
	team.do("WAITERS other", stolen)
	team.send("WAITERS team/q LIMIT 1\n")
	team.expectPrefix("OK lines=1 ")
}

func TestOwnerListsHoldsAndWaits(t *testing.T) {
	s := newSim(t, nil)
	s.waitFor("a", "svc")
	s.waitFor("b", "other", "x", "svc")
	k := s.dial(0)
	k.send("OWNER svc\nOWNER nobody\nOWNER svc CURSOR x\n")
	k.answers(`OK lines=2 cursor="" hidden=0`,
		`kind=hold lock="a" token=0 count=1 held_ms=2000 lease_ms=58000 waiters=0`,
		`kind=wait lock="b" position=2 waited_ms=1000 left_ms=29000 holder="other"`,
		`OK lines=0 cursor="" hidden=0`, "ERROR BADARG CURSOR is not one that OWNER has answered")
}

func TestEventsOnLockPort(t *testing.T) {
	s := newSim(t, withTokens)
	k := s.dial(0)
	k.do("AUTH l-token", "OK")
	k.send("ACQUIRE team/a svc 0 TTL 1000\nACQUIRE x \"s\xff\" 0 TTL 2000\n")
	k.expect("OK\nOK\n")
	s.advance(3 * time.Second)
	k.send("EVENTS\nEVENTS SINCE 1 LIMIT 1\nEVENTS SINCE 99\n")
	k.answers(`OK lines=2 cursor="" next=2 lost=0 hidden=0`,
		`seq=0 at_ms=0 kind=expired lock="team/a" service="svc" token=0 detail="held 1000 ms"`,
		`seq=1 at_ms=0 kind=expired lock="x" service="s\xff" token=0 detail="held 2000 ms"`,
		`OK lines=1 cursor="" next=2 lost=0 hidden=0`,
		`seq=1 at_ms=0 kind=expired lock="x" service="s\xff" token=0 detail="held 2000 ms"`,
		`OK lines=0 cursor="" next=2 lost=0 hidden=0`)
	team := s.dial(1)
	team.do("AUTH t-token", "OK")
	team.send("EVENTS\n")
	team.answers(`OK lines=1 cursor="" next=2 lost=0 hidden=1`,
		`seq=0 at_ms=0 kind=expired lock="team/a" service="svc" token=0 detail="held 1000 ms"`)
}

func TestClientsAndDisconnect(t *testing.T) {
	s := newSim(t, withTokens)
	admin, victim := s.dial(0), s.dial(1)
	admin.do("AUTH a-token", "OK")
	victim.do("AUTH l-token", "OK")
	victim.send("ACQUIRE a H 0\n@1 ACQUIRE a W 30000\n")
	victim.expect("OK\n")
	s.advance(time.Second)
	for _, k := range []*client{victim, s.dial(1)} {
		if k != victim {
			k.do("AUTH r-token", "OK")
		}
		for _, line := range []string{"CLIENTS", "DISCONNECT 1 REASON x"} {
			k.send(line + "\n")
			k.expectPrefix("ERROR DENIED ")
		}
	}
	admin.send("CLIENTS LIMIT 2\n")
	admin.answers(`OK lines=2 cursor="1-1"`,
		`client=1 address="10.0.0.1:1000" transport=tcp name="" role=admin age_ms=0 idle_ms=0 waits=1 buffered=0 form=text`,
		`client=2 address="10.0.0.1:1000" transport=tcp name="" role=lock age_ms=0 idle_ms=0 waits=1 buffered=0 form=text`)
	admin.send("CLIENTS CURSOR 1-1\nDISCONNECT 77 REASON x\n@d DISCONNECT 2 REASON \"runs \\x1b wild\"\nPING\n")
	admin.answers(`OK lines=1 cursor=""`,
		`client=3 address="10.0.0.1:1000" transport=tcp name="" role=read age_ms=0 idle_ms=0 waits=0 buffered=0 form=text`,
		"@d OK", "ERROR BADARG no connection has this number: CLIENTS lists them", "OK")
	if victim.expect("ERROR CANCELED an admin has ended this connection: runs \\x1b wild\n"); !victim.finished {
		t.Error("the stream was not ended")
	}
	if n := s.e.tab().Totals(); n.Waiters != 0 || n.Held != 1 {
		t.Errorf("%d waiters and %d locks are left", n.Waiters, n.Held)
	}
	admin.send("DISCONNECT 1 REASON self\n")
	if got := admin.reads(); !strings.Contains(got, "CANCELED") {
		t.Errorf("%q", got)
	}
}

// TestQuestionsKeepTheirPlace: a question is a wait for its connection. Commands after it come
// after it, tagged ones pass, and nothing is left when the connection ends.
func TestQuestionsKeepTheirPlace(t *testing.T) {
	s := newSim(t, nil)
	k := s.dial(0)
	s.hold = true
	k.send("TOP\nACQUIRE a svc 0\nSTATUS a\n@1 PING\n")
	k.expect("@1 OK\n")
	s.deliver()
	k.expectPrefix("OK lines=0 cursor=\"\" age_ms=")
	k = s.dial(1)
	s.hold = true
	k.send("TOP\n@2 EVENTS\n")
	k.expect("")
	k.hangUp()
	s.deliver()
	k.expect("")
	ended := s.dial(0)
	s.hold = true
	ended.send("TOP\nEVENTS\n@t ACQUIRE b w 1000\nACQUIRE b svc 0\nPING\n")
	ended.left = true
	ended.r.inputEnds(ended.c)
	s.deliver()
	ended.answers("@t OK", `OK lines=0 cursor="" age_ms=0 truncated=0 hidden=0`, `OK lines=0 cursor="" next=0 lost=0 hidden=0`,
		"ERROR TIMEOUT \"w\" 0 not granted within the wait timeout", "OK")
	redis := s.dial(0)
	redis.send("*1\r\n$3\r\nTOP\r\n*2\r\n$7\r\nWAITERS\r\n$1\r\na\r\n*1\r\n$6\r\nEVENTS\r\n")
	redis.expect("*3\r\n$0\r\n\r\n*6\r\n$6\r\nage_ms\r\n:0\r\n$9\r\ntruncated\r\n:0\r\n$6\r\nhidden\r\n:0\r\n*0\r\n" +
		"*2\r\n$0\r\n\r\n*0\r\n" +
		"*3\r\n$0\r\n\r\n*6\r\n$4\r\nnext\r\n:0\r\n$4\r\nlost\r\n:0\r\n$6\r\nhidden\r\n:0\r\n*0\r\n")
	for _, line := range []string{"TOP NAME", "TOP WAIT HEAT", "WAITERS", "OWNER", "EVENTS SINCE x", "CLIENTS x", "DISCONNECT 5", "DISCONNECT x REASON y", "DISCONNECT 5 REASON"} {
		redis.send(line + "\n")
		redis.expectPrefix("ERROR BADARG ")
	}
}

// TestQuestionsCopyNoLeftovers: a decoded command has slices of earlier ones, whose memory another
// loop may be writing.
func TestQuestionsCopyNoLeftovers(t *testing.T) {
	for line, want := range map[string]codec.Command{
		"TOP HEAT":                 {Verb: codec.VerbTop, By: codec.ByHeat},
		"WAITERS lock CURSOR c":    {Verb: codec.VerbWaiters, Opts: codec.OptCursor, Name: []byte("lock"), Text: []byte("c")},
		"OWNER service":            {Verb: codec.VerbOwner, Service: []byte("service")},
		"EVENTS SINCE 3":           {Verb: codec.VerbEvents, Opts: codec.OptSince, Number: 3},
		"DISCONNECT 1 REASON \"\"": {Verb: codec.VerbDisconnect, Opts: codec.OptReason, Number: 1, Text: []byte{}},
	} {
		cmd := codec.Command{Name: []byte("old"), Service: []byte("old"), Text: []byte("old"), Req: []byte("old"), Args: [][]byte{[]byte("old")}}
		var d codec.Decoder
		if _, st := d.Decode([]byte(line+"\n"), &cmd); st != codec.Ready {
			t.Fatal(line, st)
		}
		got := copyOfLook(&cmd)
		got.Limit = want.Limit
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v", line, got)
		}
	}
}
