package engine

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"dlm/codec"
)

// withoutTokens replaces the digits of tokens.
func withoutTokens(text string) string {
	text = regexp.MustCompile(`token=\d+`).ReplaceAllString(text, "token=N")
	return regexp.MustCompile(`token\r\n\$\d+\r\n\d+`).ReplaceAllString(text, "token\r\n$$N\r\nN")
}

func TestStatusTellsWhoHoldsAndWhoWaits(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	a.do("STATUS x", "OK state=free")
	a.do(`ACQUIRE x "svc \"a\"" 0 META "build 7"`, "OK")
	b.send("ACQUIRE x svc-b 5000\n")
	s.advance(1886 * time.Millisecond)
	a.send("STATUS x\n")
	if got, want := withoutTokens(a.reads()), `OK state=held mode=exclusive owner="svc \"a\"" token=N count=1 lease_ms=28114 `+
		`held_ms=1886 waiters=1 next="svc-b" meta="build 7"`+"\n"; got != want {
		t.Fatalf("%q", got)
	}
	a.send("*2\r\n$6\r\nSTATUS\r\n$1\r\nx\r\n")
	if got := a.reads(); !strings.HasPrefix(got, "*20\r\n$5\r\nstate\r\n$4\r\nheld\r\n") {
		t.Fatalf("%q", got)
	}
	a.send("*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n*2\r\n$6\r\nSTATUS\r\n$1\r\ny\r\n")
	if got := a.reads(); !strings.HasPrefix(got, "%7\r\n$6\r\nserver\r\n$3\r\ndlm\r\n") || !strings.HasSuffix(got, "%1\r\n$5\r\nstate\r\n$4\r\nfree\r\n") {
		t.Fatalf("%q", got)
	}
}

func TestDetailAddsTheFieldsOfTheHold(t *testing.T) {
	s := newSim(t, nil)
	a := s.dial(0)
	a.do("DETAIL ON", "OK")
	a.send("ACQUIRE x A 0 TTL 5000\n@t ACQUIRE x A 0\nHEARTBEAT x A\nRELEASE x A\nRELEASE x A\nDETAIL OFF\nACQUIRE x A 0\n")
	if got, want := withoutTokens(a.reads()), "OK token=N count=1 lease_ms=5000\n@t OK token=N count=2 lease_ms=5000\n"+
		"OK token=N count=2 lease_ms=5000\nOK token=N count=1 lease_ms=5000\nOK token=N count=0 lease_ms=0\nOK\nOK\n"; got != want {
		t.Fatalf("%q", got)
	}
}

var lockOf = regexp.MustCompile(`lock="([^"]*)"`)

// listing collects all names by following the cursor.
func listing(t *testing.T, k *client, command string) map[string]int {
	t.Helper()
	names := map[string]int{}
	for cursor := ""; ; {
		k.send(fmt.Sprintf("%s CURSOR %q\n", command, cursor))
		lines := strings.Split(strings.TrimSuffix(k.reads(), "\n"), "\n")
		var n int
		if _, err := fmt.Sscanf(lines[0], "OK lines=%d cursor=%q", &n, &cursor); err != nil || n != len(lines)-1 {
			t.Fatalf("%q: %v", lines[0], err)
		}
		for _, line := range lines[1:] {
			names[lockOf.FindStringSubmatch(line)[1]]++
		}
		if cursor == "" {
			return names
		}
	}
}

func TestAListingMeetsEveryLock(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	for i := range 3000 {
		a.send(fmt.Sprintf("ACQUIRE lock:%d A 0\nACQUIRE other:%d A 0\n", i, i))
	}
	a.reads()
	b.send("@1 ACQUIRE lock:7 B 60000\n@2 ACQUIRE other:7 B 60000\n")
	for command, want := range map[string]int{"LOCKS LIMIT 1000": 6000, "LOCKS PREFIX lock: LIMIT 7": 3000,
		"LOCKS CONTENDED": 2, "LOCKS CONTENDED PREFIX lock:": 1, "LOCKS HELD PREFIX nothing": 0} {
		names := listing(t, a, command)
		if len(names) != want {
			t.Errorf("%s: %d names, want %d", command, len(names), want)
		}
		for name, n := range names {
			if n != 1 {
				t.Errorf("%s: %q %d times", command, name, n)
			}
		}
	}
	a.do("LOCKS CURSOR nonsense", "ERROR BADARG CURSOR is not one that LOCKS has answered")
	a.do("LOCKS CURSOR 256-1", "ERROR BADARG CURSOR is not one that LOCKS has answered")
}

func TestOneAnswerOfAListingIsBounded(t *testing.T) {
	s := newSim(t, nil)
	a := s.dial(0)
	long := strings.Repeat("n", 1000)
	for i := range 1000 {
		a.send(fmt.Sprintf("ACQUIRE %s%d A 0 META %s\n", long, i, strings.Repeat("m", 512)))
	}
	a.reads()
	a.send("LOCKS LIMIT 1000\n")
	if got := a.reads(); len(got) > 2*listBytes || !strings.Contains(got[:100], "cursor=\"") || strings.Contains(got[:100], `cursor=""`) {
		t.Fatalf("%d bytes: %.100q", len(got), got)
	}
	if n := len(listing(t, a, "LOCKS LIMIT 1000")); n != 1000 {
		t.Fatalf("%d locks", n)
	}
}

func TestInfoTellsWhatHappened(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	a.send("ACQUIRE x A 0\nACQUIRE x A 0\nNOPE\n*1\r\n$4\r\nPING\r\n")
	b.send("ACQUIRE x B 0\nACQUIRE x B 100\n")
	s.advance(150 * time.Millisecond)
	a.reads()
	a.send("*1\r\n$4\r\nINFO\r\n")
	got := a.reads()
	for _, want := range []string{"# Server\r\n", "connected_clients:2\r\n", "locks_held:1\r\n", "waiters:0\r\n", "grants:1\r\n",
		"reentries:1\r\n", "time_outs:1\r\n", "cmd_acquire:calls=4,ok=2,timeout=2\r\n", "cmd_malformed:calls=1,unknown=1\r\n",
		"cmd_ping:calls=1,ok=1\r\n", "rejected_max_conns:0\r\n", "slow_clients_closed:0\r\n", "used_memory:"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	a.send("INFO clients\n")
	if got := a.reads(); !strings.HasPrefix(got, "OK lines=") || !strings.Contains(got, "\n# Clients\n") || strings.Contains(got, "# Locks") {
		t.Errorf("%q", got)
	}
}

func TestWhatRedisClientsSendOnTheirOwn(t *testing.T) {
	s := newSim(t, nil)
	k := s.dial(0)
	for _, c := range []struct{ send, want string }{
		{"PING", "+PONG\r\n"},
		{"PING hi", "$2\r\nhi\r\n"},
		{"ECHO hi", "$2\r\nhi\r\n"},
		{"SELECT 0", "+OK\r\n"},
		{"SELECT 1", "-BADARG SELECT takes 0: there is one space of locks\r\n"},
		{"CLIENT GETNAME", "$-1\r\n"},
		{"CLIENT SETNAME me", "+OK\r\n"},
		{"CLIENT GETNAME", "$2\r\nme\r\n"},
		{"CLIENT SETINFO LIB-NAME x", "+OK\r\n"},
		{"COMMAND COUNT", fmt.Sprintf(":%d\r\n", len(codec.Docs))},
		{"CONFIG GET save", "*2\r\n$4\r\nsave\r\n$0\r\n\r\n"},
		{"COMMAND INFO acquire nope", "*2\r\n*6\r\n$7\r\nacquire\r\n:-4\r\n*0\r\n:1\r\n:1\r\n:1\r\n$-1\r\n"},
		{"HELLO 4", "-NOPROTO unsupported protocol version\r\n"},
		{"HELLO 3 SETNAME you", "%7\r\n"},
		{"CLIENT GETNAME", "$3\r\nyou\r\n"},
		{"COMMAND DOCS release", "%1\r\n$7\r\nrelease\r\n%3\r\n"},
		{"RESET", "+RESET\r\n"},
		{"CLIENT GETNAME", "$-1\r\n"},
		{"NOPE a b", "-ERR unknown command 'NOPE', with args beginning with: 'a' 'b' \r\n"},
		{"CLIENT TRACKING ON OPTIN", "+OK\r\n"},
		{"CLIENT TRACKING off", "+OK\r\n"},
		{"CLIENT NO-EVICT ON", "+OK\r\n"},
		{"CLIENT NO-TOUCH ON", "+OK\r\n"},
		{"CLIENT MAINT_NOTIFICATIONS ON", "-ERR unknown subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP.\r\n"},
		{"CLIENT LIST", "-ERR unknown subcommand 'LIST'. Try CLIENT HELP.\r\n"},
		{"CLIENT HELP", "*2\r\n"},
		{"CLIENT SETNAME", "-BADARG CLIENT takes "},
		{"CLIENT", "-BADARG CLIENT takes "},
		{"AUTH x", "-ERR AUTH <password> called without any password configured for the default user."},
		{"HELLO 3 AUTH default x", "-ERR AUTH <password> called without any password configured for the default user."},
		{"HELLO x", "-ERR Protocol version is not an integer or out of range\r\n"},
		{"HELLO SETNAME third", "*14\r\n"},
		{"CLIENT GETNAME", "$5\r\nthird\r\n"},
		{"QUIT", "+OK\r\n"},
	} {
		words := strings.Fields(c.send)
		text := fmt.Sprintf("*%d\r\n", len(words))
		for _, w := range words {
			text += fmt.Sprintf("$%d\r\n%s\r\n", len(w), w)
		}
		k.send(text)
		if got := k.reads(); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", c.send, got, c.want)
		}
	}
}
