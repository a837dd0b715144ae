package bench

import (
	"math/rand/v2"
	"strconv"

	"dlm/codec"
)

const (
	// streamBytesMax bounds what is encoded for all connections together.
	streamBytesMax = 256 << 20
	// streamCommandsMin is the fewest commands of a stream, so that a short one
	// does not make the draws repeat within the server's caches.
	streamCommandsMin = 4096
	// requestBytes is about the length of a request, to choose lengths by.
	requestBytes = 60
)

// stream is what one connection sends, over and over: batches that were
// encoded before the clock started. Immutable once it is made.
type stream struct {
	data  []byte
	ends  []int          // ends[i] is where batch i ends in data
	wants []*expectation // of batch i
	// period is after how many batches all pairs are complete: a connection
	// stops at a multiple of it, so that no lock stays held.
	period int
}

// batch returns the bytes of batch i.
func (s *stream) batch(i int) []byte {
	start := 0
	if i > 0 {
		start = s.ends[i-1]
	}
	return s.data[start:s.ends[i]]
}

// command is one command of a stream before it is encoded.
type command struct {
	verb codec.Verb
	name int // number of the lock
}

// streamMaker makes the streams of one cell.
type streamMaker struct {
	c     *Config
	depth int
	kind  string
	zipf  *rand.Zipf
	rng   *rand.Rand
	known map[string]*expectation // by the verbs of a batch: most batches share one

	tokens map[int]codec.Token // of the locks of Renew with Fence; nil: not shown
}

func newStreamMaker(c *Config, depth int) *streamMaker {
	rng := rand.New(rand.NewPCG(c.Seed, uint64(depth)))
	m := &streamMaker{c: c, depth: depth, kind: c.kind(), rng: rng,
		known: make(map[string]*expectation)}
	if m.kind == Zipf {
		m.zipf = rand.NewZipf(rng, c.Skew, 1, uint64(c.Locks-1))
	}
	return m
}

// make encodes the stream of a connection: about two rounds over its locks.
func (m *streamMaker) make(conn int) *stream {
	low, high := share(m.c.Locks, m.c.Conns, conn)
	n := max(4*(high-low), streamCommandsMin, 4*m.depth)
	n = max(min(n, streamBytesMax/requestBytes/m.c.Conns), 2*m.depth)
	n -= n % (2 * m.depth) // whole periods
	draw := func() int {
		if m.zipf != nil {
			return int(m.zipf.Uint64())
		}
		return low + m.rng.IntN(high-low)
	}
	cmds := make([]command, 0, n)
	switch m.kind {
	case Renew:
		for range n {
			cmds = append(cmds, command{codec.VerbHeartbeat, draw()})
		}
	case Ping:
		for range n {
			cmds = append(cmds, command{codec.VerbPing, 0})
		}
	default:
		cmds = m.pairs(cmds, n, draw)
	}
	return m.encode(conn, cmds, 0)
}

// pairs appends n commands: each ACQUIRE with its RELEASE after it, or with
// Apart half a batch away from it.
func (m *streamMaker) pairs(cmds []command, n int, draw func() int) []command {
	run := 1
	if m.c.Apart && m.depth%2 == 0 { // an odd batch would end within a pair
		run = m.depth / 2
	}
	for len(cmds) < n {
		run = min(run, (n-len(cmds))/2)
		start := len(cmds)
		for range run {
			cmds = append(cmds, command{codec.VerbAcquire, draw()})
		}
		for i := range run {
			cmds = append(cmds, command{codec.VerbRelease, cmds[start+i].name})
		}
	}
	return cmds
}

// sweep encodes one command for each lock of a range, with a long lease.
func (m *streamMaker) sweep(conn int, v codec.Verb, low, high int) *stream {
	cmds := make([]command, 0, high-low)
	for i := low; i < high; i++ {
		cmds = append(cmds, command{v, i})
	}
	return m.encode(conn, cmds, heldTTLMs)
}

// encode cuts commands into batches of depth; the last may be shorter.
func (m *streamMaker) encode(conn int, cmds []command, ttlMs int) *stream {
	s := &stream{period: 1, data: make([]byte, 0, len(cmds)*requestBytes)}
	if m.depth%2 == 1 {
		s.period = 2
	}
	for len(cmds) > 0 {
		n := min(m.depth, len(cmds))
		verbs := make([]byte, n)
		for i, c := range cmds[:n] {
			if m.c.Tags {
				s.data = append(s.data, tagOf(i)...)
			}
			s.data = m.append(s.data, c, conn, ttlMs)
			verbs[i] = byte(c.verb)
		}
		s.ends = append(s.ends, len(s.data))
		s.wants = append(s.wants, m.expectation(verbs))
		cmds = cmds[n:]
	}
	return s
}

func (m *streamMaker) append(dst []byte, c command, conn, ttlMs int) []byte {
	cmd := m.c.request(c.verb, c.name, conn)
	if ttlMs == 0 {
		ttlMs = int(m.c.TTL.Milliseconds())
	}
	switch c.verb {
	case codec.VerbAcquire:
		cmd.WaitMs = m.waitMs()
		setTTL(cmd, ttlMs)
	case codec.VerbHeartbeat:
		setTTL(cmd, ttlMs)
		if token, ok := m.tokens[c.name]; ok {
			cmd.Opts |= codec.OptToken
			cmd.Token = token
		}
	}
	return m.c.Protocol.Append(dst, cmd)
}

// tagOf is the tag of command i of a batch, with the blank that follows it. A batch is answered
// before the next one uses its tags again, or none of them waits.
func tagOf(i int) string { return "@" + strconv.Itoa(i) + " " }

// waitMs is zero where no other connection can hold the lock.
func (m *streamMaker) waitMs() uint32 {
	if m.kind == Zipf {
		return 60_000
	}
	return 0
}

func (m *streamMaker) expectation(verbs []byte) *expectation {
	if w, ok := m.known[string(verbs)]; ok {
		return w
	}
	answers := make([]string, len(verbs))
	for i, v := range verbs {
		answers[i] = m.c.answer(codec.Verb(v))
		if m.c.Tags {
			answers[i] = tagOf(i) + answers[i]
		}
	}
	w := expect(m.c.Protocol, verbs, answers)
	m.known[string(verbs)] = w
	return w
}

// share is the part i of n things that are dealt out in ranges.
func share(things, n, i int) (low, high int) {
	return things * i / n, things * (i + 1) / n
}
