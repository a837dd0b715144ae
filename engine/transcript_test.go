package engine

import (
	"crypto/tls"
	"fmt"
	"regexp"
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
//	B on 0                       B opens on loop 0
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
//	hold  deliver                messages between loops are held back; they arrive
//	stop  close                  the engine stops: waits are answered; connections are closed
//	show x y                     whether locks are free
//	show writes A                how often A was written to since it was last asked
//	show takebacks               how many grants were taken back
//	show pauses                  how many pauses of the process the clock has seen
//	empty                        what is left in the table and in the accounts
//
// Output "A< OK" is a line that A has got. Values of RESP are shown in one line, with the byte that
// begins them. Tokens are numbered by their first appearance. "x 3" counts equal lines.
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
	conns  map[string]*client
	ended  map[string]string // what was said of the end of a connection
	writes map[string]int    // when it was last asked
	tokens []string
}

// settings are what the word config knows.
var settings = map[string]func(*Config, int){
	"idle":             func(c *Config, n int) { c.IdleMax = time.Duration(n) * time.Second },
	"quotas":           func(c *Config, _ int) { withQuotas(c) },
	"tokens":           func(c *Config, _ int) { withTokens(c) },
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

func (st *stage) open(words []string) {
	var err error
	st.sim, err = startSim(st.t, Config{Loops: 2, Lease: 30 * time.Second}, func(c *Config) {
		for _, w := range words {
			name, value, _ := strings.Cut(w, "=")
			n, _ := strconv.Atoi(value)
			if settings[name] == nil {
				st.fail("no setting %q", name)
			}
			settings[name](c, n)
		}
	}, sameTable)
	if err != nil {
		st.fail("%v", err)
	}
	st.sim.secured = st.secure
	st.conns, st.ended = map[string]*client{}, map[string]string{}
	st.writes, st.tokens = map[string]int{}, nil
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
		st.sim = nil
		return nil
	}
	words := strings.Fields(command)
	if st.sim == nil {
		st.open(nil)
	}
	if words[0] == "config" {
		st.open(words[1:])
		return nil
	}
	if name := words[0][:1]; name >= "A" && name <= "Z" {
		st.connection(name, words[0][1:], strings.TrimSpace(command[len(words[0]):]))
	} else {
		out = st.server(words)
	}
	return append(out, st.seen()...)
}

// conn returns the connection of that name, which opens on its loop when it is first named.
func (st *stage) conn(name string) *client {
	if st.conns[name] == nil {
		st.conns[name] = st.sim.dial(int(name[0]-'A') % 2)
	}
	return st.conns[name]
}

// connection executes a command about a connection.
func (st *stage) connection(name, sends, rest string) {
	verb, value, _ := strings.Cut(rest, " ")
	if verb == "on" && sends == "" {
		loop, _ := strconv.Atoi(value)
		st.conns[name] = st.sim.dial(loop)
		return
	}
	k := st.conn(name)
	switch {
	case sends == ">":
		k.send(lines(rest))
	case sends == ">>":
		for _, read := range st.quoted(rest) {
			k.send(read)
		}
	case rest == "closes":
		k.hangUp()
	case rest == "ends":
		k.endInput()
	case rest == "has ended":
		k.left = true
	case rest == "breaks":
		k.broken = true
	case rest == "stops reading":
		k.stuck = true
	case verb == "reads":
		n, _ := strconv.Atoi(value)
		k.takes(n)
	default:
		st.fail("no such command")
	}
}

// lines returns the bytes of what is sent in one read.
func lines(text string) string {
	var b strings.Builder
	text, times, _ := cutTimes(text)
	for _, line := range strings.Split(text, "; ") {
		if array, is := strings.CutPrefix(line, "resp: "); is {
			b.WriteString(lineArray(array))
		} else {
			b.WriteString(line + "\n")
		}
	}
	return strings.Repeat(b.String(), times)
}

var timesEnd = regexp.MustCompile(`^(.*?)(?:; \.\.\.)? x (\d+)$`)

// cutTimes cuts "x 100" off the end of a text.
func cutTimes(text string) (rest string, times int, found bool) {
	m := timesEnd.FindStringSubmatch(text)
	if m == nil {
		return text, 1, false
	}
	n, _ := strconv.Atoi(m[2])
	return m[1], n, true
}

// quoted returns the reads of strings in the quotes of Go.
func (st *stage) quoted(text string) (reads []string) {
	text, times, _ := cutTimes(text)
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		prefix, err := strconv.QuotedPrefix(text)
		if err != nil {
			st.fail("%v", err)
		}
		read, _ := strconv.Unquote(prefix)
		reads = append(reads, strings.Repeat(read, times))
		text = text[len(prefix):]
	}
	return reads
}

// server executes a command about the engine.
func (st *stage) server(words []string) []string {
	s := st.sim
	duration := func() time.Duration {
		d, err := time.ParseDuration(words[1])
		if err != nil {
			st.fail("%v", err)
		}
		return d
	}
	switch words[0] {
	case "advance":
		s.advance(duration())
	case "pause":
		s.time += int64(duration())
		s.e.tick(&s.fx, &s.co)
		s.settle()
	case "sweep":
		s.sweepAll()
	case "hold":
		s.hold = true
	case "deliver":
		s.deliver()
	case "stop":
		s.e.draining.Store(true)
		s.e.drained.Add(len(s.e.reactors))
		s.e.order(orderDrain)
		s.settle()
	case "close":
		s.e.order(orderClose)
		s.settle()
		s.e.drained.Wait()
	case "show":
		return st.show(words[1:])
	case "empty":
		t, buffered := s.e.tab().Totals(), s.e.buffers.total.Load()
		if t.Held == 0 && t.Waiters == 0 && buffered == 0 {
			return []string{"nothing is left"}
		}
		return []string{fmt.Sprintf("left: %d locks, %d waits, %d bytes", t.Held, t.Waiters, buffered)}
	default:
		st.fail("no such command")
	}
	return nil
}

func (st *stage) show(words []string) (out []string) {
	switch words[0] {
	case "writes":
		n := st.conn(words[1]).writes
		out = append(out, fmt.Sprintf("%d", n-st.writes[words[1]]))
		st.writes[words[1]] = n
	case "pauses":
		out = append(out, fmt.Sprintf("%d", st.sim.e.clock.Gaps()))
	case "takebacks":
		out = append(out, fmt.Sprintf("%d", st.sim.e.tab().Totals().TakeBacks))
	default:
		for _, name := range words {
			state := "held"
			if st.sim.free(name) {
				state = "free"
			}
			out = append(out, name+" "+state)
		}
	}
	return out
}

// seen returns what connections have got, and which have been ended, in the order of their names.
func (st *stage) seen() (out []string) {
	for name := 'A'; name <= 'Z'; name++ {
		k := st.conns[string(name)]
		if k == nil {
			continue
		}
		for got := k.reads(); got != ""; {
			var line string
			line, got = nextReply(got)
			out = append(out, fmt.Sprintf("%c< %s", name, st.number(line)))
		}
		end := ""
		switch {
		case k.gone:
			end = fmt.Sprintf("%c is closed", name)
		case k.finished:
			end = fmt.Sprintf("%c gets no more", name)
		}
		if end != st.ended[string(name)] {
			st.ended[string(name)] = end
			out = append(out, end)
		}
	}
	return fold(out)
}

var tokenOfReply = regexp.MustCompile(`(token=|\$5 token :|HELD )(\d+)`)

// variable are fields of HELLO that differ between runs, or grow with the server.
var variable = regexp.MustCompile(`((?:features|lineage)=)"[^"]*"|(epoch=)\d+|(\$[78] (?:features|lineage)) \$\d+ [0-9a-z,-]+|(\$5 epoch) :\d+`)

// number replaces tokens by numbers, in the order in which they appear.
func (st *stage) number(line string) string {
	line = variable.ReplaceAllString(line, "$1$2$3$4...")
	return tokenOfReply.ReplaceAllStringFunc(line, func(found string) string {
		m := tokenOfReply.FindStringSubmatch(found)
		if !slices.Contains(st.tokens, m[2]) {
			st.tokens = append(st.tokens, m[2])
		}
		return m[1] + strconv.Itoa(slices.Index(st.tokens, m[2])+1)
	})
}

// nextReply cuts a line of text, or a value of RESP on one line, off the front of what has arrived.
func nextReply(got string) (line, rest string) {
	end := strings.Index(got, "\n") + 1
	if end == 0 {
		return fmt.Sprintf("%q, without its end", got), ""
	}
	line, rest = got[:end], got[end:]
	cut, resp := strings.CutSuffix(line, "\r\n")
	if !resp {
		return strings.TrimSuffix(line, "\n"), rest
	}
	n, _ := strconv.Atoi(cut[1:])
	switch cut[0] {
	case '$':
		if n >= 0 && len(rest) >= n+2 {
			return cut + " " + rest[:n], rest[n+2:]
		}
	case '*', '%', '>':
		if cut[0] == '%' {
			n *= 2
		}
		for range n {
			var value string
			value, rest = nextReply(rest)
			cut += " " + value
		}
	}
	return cut, rest
}

// fold counts equal lines that follow each other.
func fold(lines []string) (out []string) {
	for i := 0; i < len(lines); {
		n := 1
		for i+n < len(lines) && lines[i+n] == lines[i] {
			n++
		}
		line := lines[i]
		if n > 1 {
			line += fmt.Sprintf(" x %d", n)
		}
		out = append(out, line)
		i += n
	}
	return out
}
