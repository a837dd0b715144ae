package engine

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dlm/engine/durability"
	"dlm/internal/script"
	"dlm/internal/testcert"
)

// TestTranscripts plays the conversations of testdata on simulated engines. Each block has an
// engine of its own. Connections are capital letters. A connection opens when it is first named: A,
// C, E on loop 0, B, D, F on loop 1.
//
//	config tokens locks=1        before anything else: settings of the engine
//	config durable               it has a data directory of its own
//	B on 0                       B opens on loop 0
//	B from 192.0.2.1             B opens from that address
//	B arrives from 192.0.2.1     the same through the limits of the acceptor
//	A> PING                      A sends a line
//	A> PING; resp: PING          one read: a line, then an array of RESP
//	A> PING; ... x 100           one read: what is sent, a hundred times
//	A>> "PI" "NG\n"              reads of these bytes, in the quotes of Go
//	A>> "HELP\n" x 1000          one read of the bytes, a thousand times
//	A closes  A ends             the loop reads a reset, or the end of the input
//	A has ended                  the end of the input has come, and the loop has not read it
//	A breaks                     writes to A fail
//	A stops reading              the kernel takes nothing more for A
//	A reads 100                  A reads, so that the kernel takes 100 bytes more
//	advance 20ms                 time passes, with ticks
//	pause 3h                     time passes while the process is stopped, then a tick
//	sweep                        each loop looks for connections that are too old
//	sweeps for 5s                time passes, and each loop looks every 50 ms
//	hold  deliver                messages between loops are held back; they arrive
//	step                         the first of them arrives, or the detector looks for cycles
//	stop  close                  the engine stops: waits are answered; connections are closed
//	image  crash  finish         a durable server writes an image; is killed; has stopped
//	update                       it writes an image if the table has changed
//	start lease=1                it starts again, and clients have to connect anew
//	tokens a=lock:secret:x/,y/   the server has these tokens: name, role, secret, prefixes
//	show x y                     whether locks are free
//	show writes A                how often A was written to since it was last asked
//	show takebacks               how many grants were taken back
//	show pauses                  how many pauses of the process the clock has seen
//	show log                     what was logged since it was last asked, sorted, without the time
//	info waiters x               these lines of INFO
//	empty                        what is left in the table and in the accounts
//
// Output "A< OK" is a line that A has got. Values of RESP are shown in one line, with the byte that
// begins them. Tokens are numbered by their first appearance, and <1> in a command is the first of
// them. "x 3" counts equal lines.
func TestTranscripts(t *testing.T) {
	script.Run(t, "testdata/*.txt", func(t *testing.T) func(at, command string) []string {
		st := &stage{t: t}
		return st.run
	})
}

// TestTranscriptsOverTLS plays them over connections with TLS.
func TestTranscriptsOverTLS(t *testing.T) {
	ca := testcert.NewCA(t)
	secure := &secured{server: &tls.Config{Certificates: []tls.Certificate{ca.Pair()}, SessionTicketsDisabled: true, DynamicRecordSizingDisabled: true},
		client: &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"}}
	script.Run(t, "testdata/*.txt", func(t *testing.T) func(at, command string) []string {
		st := &stage{t: t, secure: secure}
		return st.run
	})
}

// stage is the engine of one block and its connections.
type stage struct {
	t      *testing.T
	at     string
	secure *secured // settings of TLS; nil: connections are plain
	sim    *sim
	dir    string // of a durable server
	logged int    // bytes of the log that were shown
	conns  map[string]*client
	ended  map[string]string // what was said of the end of a connection
	writes map[string]int    // when it was last asked
	tokens []string
	before uint64 // largest token that was seen before the present start
}

// settings are what the word config knows.
var settings = map[string]func(*Config, int){
	"admin":            func(c *Config, _ int) { secret := sha256.Sum256([]byte("secret")); c.AdminToken = &secret },
	"auth-wait":        func(c *Config, n int) { c.AuthWait = time.Duration(n) * time.Second },
	"idle":             func(c *Config, n int) { c.IdleMax = time.Duration(n) * time.Second },
	"lease":            func(c *Config, n int) { c.Lease = time.Duration(n) * time.Second },
	"grace":            func(c *Config, n int) { c.RecoveryGrace = time.Duration(n) * time.Second },
	"quotas":           func(c *Config, _ int) { withQuotas(c) },
	"tokens":           func(c *Config, _ int) { withTokens(c) },
	"conns":            func(c *Config, n int) { c.ConnsMax = n },
	"locks":            func(c *Config, n int) { c.LocksMax = n },
	"waiters":          func(c *Config, n int) { c.WaitersMax = n },
	"waiters-per-lock": func(c *Config, n int) { c.WaitersPerLockMax = n },
	"retries":          func(c *Config, n int) { c.RequestsMax = n },
	"pending":          func(c *Config, n int) { c.PendingMax = n },
	"unread":           func(c *Config, n int) { c.UnreadMax = n },
	"buffered":         func(c *Config, n int) { c.BufferedMax = int64(n) },
}

func (st *stage) fail(format string, args ...any) {
	st.t.Helper()
	st.t.Fatalf("%s: %s", st.at, fmt.Sprintf(format, args...))
}

// config opens the engine of a block.
func (st *stage) config(words []string) {
	st.tokens, st.before, st.dir = nil, 0, ""
	if i := slices.Index(words, "durable"); i >= 0 {
		st.dir = st.t.TempDir()
		words = slices.Delete(words, i, i+1)
	}
	st.start(words)
}

// start starts an engine with these settings, which has no connection yet.
func (st *stage) start(words []string) {
	for _, token := range st.tokens {
		n, _ := strconv.ParseUint(token, 10, 64)
		st.before = max(st.before, n)
	}
	cfg, open := Config{Loops: 2, Lease: 30 * time.Second}, sameTable
	if st.dir != "" {
		cfg.DataDir, cfg.Lease, cfg.RecoveryGrace, open = st.dir, 10*time.Second, 20*time.Second, durability.Open
	}
	var err error
	st.sim, err = startSim(st.t, cfg, func(c *Config) {
		for _, w := range words {
			name, value, _ := strings.Cut(w, "=")
			n, _ := strconv.Atoi(value)
			if settings[name] == nil {
				st.fail("no setting %q", name)
			}
			settings[name](c, n)
		}
	}, open)
	if err != nil {
		st.fail("%v", err)
	}
	st.sim.secured = st.secure
	st.conns, st.ended, st.writes, st.logged = map[string]*client{}, map[string]string{}, map[string]int{}, 0
}

// sameTable opens a table that puts a short name into the same shard in each run. So leases that
// end at the same time end in one order, and the tokens of two locks are equal in all runs or in
// none.
func sameTable(c durability.Config) (*durability.Store, error) {
	return durability.InMemory(c, 1, 1<<40), nil
}

// run executes a command and returns all that came of it.
func (st *stage) run(at, command string) (out []string) {
	st.at = at
	if command == "" {
		st.end()
		return nil
	}
	words := strings.Fields(command)
	if st.sim == nil {
		st.config(nil)
	}
	if words[0] == "config" {
		st.config(words[1:])
		return nil
	}
	if name := words[0][:1]; name >= "A" && name <= "Z" {
		out = st.connection(name, words[0][1:], st.withTokens(strings.TrimSpace(command[len(words[0]):])))
	} else {
		out = st.server(words)
	}
	return append(out, st.seen()...)
}

// end ends the engine of a block, and gives the lock of its directory back.
func (st *stage) end() {
	if st.sim != nil && st.dir != "" {
		_ = st.sim.e.store.Abandon() // it may have ended already
	}
	st.sim = nil
}
