package engine

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// verbCut is a command whose connection breaks. Lines are sent by A, B and k, which sends the
// command.
type verbCut struct {
	name    string
	before  string // lines such as "A> ACQUIRE x a 0"
	command string
	repeat  string // on another connection; empty: the command
	answers string // a pattern of what the repeat is answered
	after   string
	want    string // STATUS x then, without times and tokens
	waiter  string // what A has been answered in all, if a wait of it is to end once
}

var verbCuts = []verbCut{
	{name: "CANCEL of a tag", before: "A> ACQUIRE x a 0\nk> @7 ACQUIRE x svc 60000 REQ 1", command: "@8 CANCEL @7", repeat: "CANCEL x svc REQ 1",
		answers: "^OK was=(waiting|unknown)$", after: "A> RELEASE x a", want: "state=free"},
	{name: "CANCEL of a wait", before: "B> ACQUIRE x b 0\nA> @7 ACQUIRE x svc 60000 REQ 1", command: "CANCEL x svc REQ 1",
		answers: "^OK was=(waiting|unknown)$", after: "B> RELEASE x b", want: "state=free",
		waiter: "@7 ERROR CANCELED the wait was cancelled, or a repeat of the request has taken its place\n"},
	{name: "CANCEL of a grant", before: "A> ACQUIRE x svc 0\nA> ACQUIRE x svc 0 REQ 1", command: "CANCEL x svc REQ 1",
		answers: "^OK was=(granted token=[0-9]+|unknown)$", want: `state=held mode=exclusive owner="svc" count=1 waiters=0`},
	{name: "CANCEL of a permit", before: "A> ACQUIRE x svc 0 PERMITS 2\nA> ACQUIRE x svc 0 PERMITS 2 REQ 1", command: "CANCEL x svc REQ 1",
		answers: "^OK was=(granted token=[0-9]+|unknown)$", want: "state=held mode=permits permits=2 taken=1 holders=1 waiters=0"},
	{name: "CANCEL ahead", command: "CANCEL x svc REQ 1", answers: "^OK was=unknown$",
		after: "B> ACQUIRE x svc 0 REQ 1", want: "state=free"},
	{name: "OUTCOME", before: "A> ACQUIRE x svc 0 REQ 1", command: "OUTCOME x svc REQ 1",
		answers: "^OK state=granted token=[0-9]+ count=1 ", want: `state=held mode=exclusive owner="svc" count=1 waiters=0`},
	{name: "UPGRADE", before: "A> ACQUIRE x svc 0 SHARED", command: "UPGRADE x svc 0",
		answers: "^OK$", want: `state=held mode=exclusive owner="svc" count=1 waiters=0`},
	{name: "UPGRADE that waits", before: "A> ACQUIRE x svc 0 SHARED\nB> ACQUIRE x b 0 SHARED\nA> @w ACQUIRE x w 60000", command: "@7 UPGRADE x svc 60000",
		answers: "^(@7 OK)?$", after: "B> RELEASE x b", want: `state=held mode=exclusive owner="svc" count=1 waiters=1 next="w"`},
	{name: "DOWNGRADE", before: "A> ACQUIRE x svc 0\nA> ACQUIRE x svc 0\nB> @7 ACQUIRE x w 60000\nB> @8 ACQUIRE x r 60000 SHARED", command: "DOWNGRADE x svc",
		answers: "^OK$", want: `state=held mode=shared holders=1 waiters=2 next="w"`},
	{name: "HEARTBEAT", before: "A> ACQUIRE x svc 0\nA> ACQUIRE x svc 0", command: "HEARTBEAT x svc",
		answers: "^OK$", want: `state=held mode=exclusive owner="svc" count=2 waiters=0`},
	{name: "RELEASE of a permit", before: "A> ACQUIRE x svc 0 PERMITS 3\nA> ACQUIRE x svc 0 PERMITS 3\nA> ACQUIRE x svc 0 PERMITS 3", command: "RELEASE x svc REQ 1",
		answers: "^OK$", want: "state=held mode=permits permits=3 taken=2 holders=1 waiters=0"},
	{name: "ACQUIRE of a permit", before: "A> ACQUIRE x svc 0 PERMITS 3", command: "ACQUIRE x svc 0 PERMITS 3 REQ 1",
		answers: "^OK$", want: "state=held mode=permits permits=3 taken=2 holders=1 waiters=0"},
	{name: "ACQUIRE of a reader", before: "A> ACQUIRE x a 0 SHARED\nA> @w ACQUIRE x w 60000", command: "@7 ACQUIRE x svc 60000 SHARED REQ 1",
		answers: "^$", after: "A> RELEASE x a\nA> RELEASE x w", want: "state=held mode=shared holders=1 waiters=0"},
}

// TestVerbsCutAtEachByte cuts the connection at each byte of a command, and at each byte of its
// reply. After its repeat the lock is as if the command had been executed once.
func TestVerbsCutAtEachByte(t *testing.T) {
	for _, c := range verbCuts {
		t.Run(c.name, func(t *testing.T) {
			line := c.command + "\n"
			for n := range len(line) + 1 {
				c.play(t, fmt.Sprintf("%d bytes of the request", n), func(k *client) { k.send(line[:n]) })
			}
			for n := range 64 {
				c.play(t, fmt.Sprintf("%d bytes of the reply", n), func(k *client) {
					k.stuck, k.room = true, n
					k.send(line)
				})
			}
		})
	}
}

func (c *verbCut) play(t *testing.T, at string, cut func(*client)) {
	s := newSim(t, nil)
	conns := map[string]*client{"A": s.dial(0), "B": s.dial(1), "k": s.dial(0)}
	say := func(lines string) {
		for line := range strings.Lines(lines) {
			who, command, _ := strings.Cut(strings.TrimSpace(line), "> ")
			conns[who].send(command + "\n")
		}
	}
	say(c.before)
	conns["A"].reads()
	k := conns["k"]
	k.reads()
	cut(k)
	k.hangUp()
	s.advance(time.Second)
	again := s.dial(1)
	if c.repeat == "" {
		c.repeat = c.command
	}
	again.send(c.repeat + "\n")
	if got := strings.TrimSuffix(again.reads(), "\n"); !regexp.MustCompile(c.answers).MatchString(got) {
		t.Fatalf("%s: the repeat is answered %q", at, got)
	}
	say(c.after)
	again.reads()
	if got := conns["A"].reads(); c.waiter != "" && got != c.waiter {
		t.Fatalf("%s: the wait is answered %q", at, got)
	}
	again.send("STATUS x\n")
	status := regexp.MustCompile(` (token|lease_ms|held_ms|reentries_other_conn)=[0-9]+`).ReplaceAllString(again.reads(), "")
	if want := "OK " + c.want + "\n"; status != want {
		t.Fatalf("%s: %q, want %q", at, status, want)
	}
}

// TestClaimCutAtEachByte does the same with the HEARTBEAT that shows a hold after a crash.
func TestClaimCutAtEachByte(t *testing.T) {
	for _, c := range []struct{ name, mode, want, other string }{
		{"exclusive", "", `mode=exclusive owner="svc" token=%d count=2 `, `ERROR TIMEOUT "svc"`},
		{"shared", " SHARED", "mode=shared holders=1 waiters=0", "ERROR RECOVERING"},
		{"permits", " PERMITS 3", "mode=permits permits=3 taken=2 holders=1 waiters=0", "ERROR RECOVERING"},
	} {
		t.Run(c.name, func(t *testing.T) { cutClaim(t, c.mode, c.want, c.other) })
	}
}

// cutClaim shows a hold of that mode. want is its STATUS, and other what an ACQUIRE of another
// service is answered.
func cutClaim(t *testing.T, mode, want, other string) {
	dir := t.TempDir()
	s := mustStart(t, dir, nil)
	token := tokenOf(t, s.ask("ACQUIRE x svc 0 TTL 10000"+mode))
	s.ask("ACQUIRE x svc 0" + mode)
	s.crash()
	line := fmt.Sprintf("HEARTBEAT x svc TOKEN %d COUNT 2%s TTL 10000\n", token, mode)
	reply := fmt.Sprintf("OK token=%d count=2 lease_ms=10000\n", token)
	if want = "OK state=held " + want; strings.Contains(want, "%d") {
		want = fmt.Sprintf(want, token)
	}
	claim := func(at string, cut func(*client)) {
		s := mustStart(t, dir, nil)
		defer s.crash()
		k := s.dial(0)
		k.do("DETAIL ON", "OK")
		cut(k)
		k.hangUp()
		s.want(strings.TrimSpace(line), strings.TrimSpace(reply))
		s.want("STATUS x", want)
		s.want("ACQUIRE x other 0"+mode, other)
		if t.Failed() {
			t.Fatal(at)
		}
	}
	for n := range len(line) + 1 {
		claim(fmt.Sprintf("%d bytes of the request", n), func(k *client) { k.send(line[:n]) })
	}
	for n := range len(reply) + 1 {
		claim(fmt.Sprintf("%d bytes of the reply", n), func(k *client) {
			k.stuck, k.room = true, n
			k.send(line)
			k.expect(reply[:n])
		})
	}
}
