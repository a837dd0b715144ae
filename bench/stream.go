package bench

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"dlm/codec"
)

const (
	// streamBytesMax bounds what is encoded for all connections together.
	streamBytesMax = 256 << 20
	// streamCommandsMin is the fewest commands of a stream, so that a short one does not make the
	// draws repeat within the server's caches.
	streamCommandsMin = 4096
	// requestBytes is about the length of a request, to choose lengths by.
	requestBytes = 60
	// seed makes the draws of two runs equal.
	seed = 1
)

// Stream has the settings of workloads whose commands are encoded before the clock starts.
type Stream struct {
	Form    string // Text by default
	Depths  []int  // commands under way on each connection, a cell for each; 64 by default
	Threads int    // of the generator; 1 by default
}

// Paced is a Stream that can be an open loop.
type Paced struct {
	Stream
	Rates []int // commands per second, a cell for each; empty: closed loop
}

func (s *Stream) EnsureDefaults() {
	or(&s.Form, Text)
	or(&s.Threads, 1)
	if len(s.Depths) == 0 {
		s.Depths = []int{64}
	}
}

func (s *Stream) check(p *problems) {
	p.form(s.Form)
	p.within("threads", s.Threads, 1, threadsMax)
	for _, depth := range s.Depths {
		p.within("depth", depth, 1, depthMax)
	}
}

func (s *Paced) check(p *problems) {
	s.Stream.check(p)
	for _, rate := range s.Rates {
		p.within("rate", rate, 1, rateMax)
	}
}

// Options are those that clients send with lock commands.
type Options struct {
	TTL  time.Duration // a TTL in each ACQUIRE and HEARTBEAT; 0: none
	Tags bool          // each command has a tag; not in RESP
}

func (o *Options) check(s *Stream, p *problems) {
	p.ttl(o.TTL)
	if o.Tags && s.Form == RESP {
		p.add("tags: RESP has none")
	}
}

// batch is what a connection sends together, and what answers it.
type batch struct {
	data    []byte
	wants   []*Pattern
	locks   []int // of the commands, by number
	tokenAt []int // where a token is written into data before it is sent; nil: nowhere
}

// command is one command of a stream before it is encoded.
type command struct {
	verb codec.Verb
	lock int
}

// tokenToCome stands for a token that is written into the request once it is known. It is in the
// range of the tokens of a server, so that it has as many digits.
const tokenToCome = codec.Token(1e15)

var tokenDigits = strconv.AppendUint(nil, uint64(tokenToCome), 10)

// plan is the request of a workload to the generator: each connection draws locks, and sends each
// verb for them in turn.
type plan struct {
	Stream
	Options
	rates  []int
	locks  int
	verbs  []codec.Verb
	waitMs uint32 // of an ACQUIRE
	// together returns how many locks get one verb before they get the next; nil: one.
	together func(depth int) int
	// draw returns the lock of a connection; nil: it draws from a range of its own.
	draw func(conn int) func() int
	// fence lets each verb but the first show the token of the reply to the first.
	fence  bool
	tokens []codec.Token // of all locks, known before; nil: not shown
	// latency is that of the loop.
	latency func(l *loop, c *streamConn, now int64) int64
}

// encoder writes the commands of a stream.
type encoder struct {
	*plan
	load *Load
	p    *Protocol
	// known has the patterns of each verb, by their place in a batch: one each if there are tags.
	known map[codec.Verb][]*Pattern
}

func newEncoder(load *Load, p *plan) *encoder {
	return &encoder{plan: p, load: load, p: load.protocol(p.Form), known: map[codec.Verb][]*Pattern{}}
}

// stream returns the batches of a connection: about two rounds over its locks. After as many
// batches as there are verbs all locks are released again.
func (e *encoder) stream(conn, depth int) []*batch {
	low, high := share(e.locks, e.load.Conns, conn)
	rng := rand.New(rand.NewPCG(seed, uint64(conn)))
	draw := func() int { return low + rng.IntN(high-low) }
	if e.draw != nil {
		draw = e.draw(conn)
	}
	together, unit := 1, depth*len(e.verbs)
	if e.together != nil {
		together = e.together(depth)
	}
	n := min(max(4*(high-low), streamCommandsMin), streamBytesMax/requestBytes/e.load.Conns)
	var cmds []command
	for n = max(n/unit, 1) * unit; len(cmds) < n; {
		locks := make([]int, together)
		for i := range locks {
			locks[i] = draw()
		}
		for _, v := range e.verbs {
			for _, lock := range locks {
				cmds = append(cmds, command{v, lock})
			}
		}
	}
	return e.batches(conn, depth, cmds)
}

// batches cuts the commands of an owner into batches of depth; the last may be shorter.
func (e *encoder) batches(owner, depth int, cmds []command) (all []*batch) {
	for len(cmds) > 0 {
		b, n := &batch{}, min(depth, len(cmds))
		for i, c := range cmds[:n] {
			start, cmd := len(b.data), e.command(owner, i, c)
			b.data = e.p.Append(b.data, cmd)
			if cmd.Token == tokenToCome {
				b.tokenAt = append(b.tokenAt, start+bytes.LastIndex(b.data[start:], tokenDigits))
			}
			b.wants = append(b.wants, e.want(c.verb, i))
			b.locks = append(b.locks, c.lock)
		}
		all, cmds = append(all, b), cmds[n:]
	}
	return all
}

// command returns command i of a batch.
func (e *encoder) command(owner, i int, c command) *codec.Command {
	cmd := e.load.command(c.verb, c.lock, owner)
	if e.Tags {
		// A batch is answered before the next one uses its tags again, or none of them waits.
		cmd.Tag = strconv.AppendInt(nil, int64(i), 10)
	}
	if c.verb == codec.VerbAcquire {
		cmd.WaitMs = e.waitMs
	}
	if e.TTL > 0 && (c.verb == codec.VerbAcquire || c.verb == codec.VerbHeartbeat) {
		cmd.Opts |= codec.OptTTL
		cmd.TTLMs = uint32(e.TTL.Milliseconds())
	}
	if e.tokens != nil {
		cmd.Token = e.tokens[c.lock]
	} else if e.fence && c.verb != e.verbs[0] {
		cmd.Token = tokenToCome
	}
	if cmd.Token > 0 {
		cmd.Opts |= codec.OptToken
	}
	return cmd
}

func (e *encoder) want(v codec.Verb, i int) *Pattern {
	if !e.Tags {
		i = 0
	}
	for n := len(e.known[v]); n <= i; n++ {
		want := e.p.Answer(v)
		if e.Tags {
			want = want.tagged(strconv.Itoa(n))
		}
		e.known[v] = append(e.known[v], want)
	}
	return e.known[v][i]
}

// showToken writes the token of a grant into the commands about its lock that follow.
func (p *plan) showToken(c *streamConn, reply int, token uint64) error {
	if c.at%len(p.verbs) > 0 {
		return nil
	}
	digits := strconv.AppendUint(nil, token, 10)
	if len(digits) != len(tokenDigits) {
		return fmt.Errorf("%w: token %d has not %d digits", ErrWrongReply, token, len(tokenDigits))
	}
	for _, b := range c.batches[c.at+1 : c.at+len(p.verbs)] {
		copy(b.data[b.tokenAt[reply]:], digits)
	}
	return nil
}

// stream measures a plan at each depth and rate.
func (r *run) stream(ctx context.Context, p *plan) error {
	rates := p.rates
	if len(rates) == 0 {
		rates = []int{0}
	}
	for _, depth := range p.Depths {
		for _, rate := range rates {
			if err := r.streamCell(ctx, p, depth, rate); err != nil {
				return fmt.Errorf("depth %d: %w", depth, err)
			}
		}
	}
	return nil
}

// streamCell measures a plan at one depth, at one rate or as fast as it goes.
func (r *run) streamCell(ctx context.Context, p *plan, depth, rate int) error {
	shared, e := newProgress(r.load.Poll), newEncoder(r.load, p)
	var loops []*loop
	var work []func() error
	n := min(p.Threads, r.load.Conns)
	for i := range n {
		l, err := newLoop(shared, r.load.Rounds)
		if err != nil {
			return err
		}
		defer l.close()
		low, high := share(r.load.Conns, n, i)
		for conn := low; conn < high; conn++ {
			if err := l.connect(e, e.stream(conn, depth)); err != nil {
				return fmt.Errorf("connection %d of %d: %w", conn+1, r.load.Conns, err)
			}
		}
		l.period, l.latency = len(p.verbs), p.latency
		if p.fence {
			l.granted = p.showToken
		}
		if rate > 0 { // each loop keeps its part of the rate
			l.pace = newPace(shared.clock(), max(rate*(high-low)/r.load.Conns, 1), depth)
		}
		loops, work = append(loops, l), append(work, l.run)
	}
	cell := r.newCell(e.p.Name, depth, p.locks)
	cell.Rate = rate
	if err := r.measure(ctx, shared, cell, work...); err != nil {
		return err
	}
	for i := range cell.Rounds {
		all, lag := loops[0].rounds[i], loops[0].lags[i]
		for _, l := range loops[1:] {
			all.Merge(l.rounds[i])
			lag.Merge(l.lags[i])
		}
		cell.Rounds[i].Latency = all.Summary()
		if rate > 0 {
			late := lag.Summary()
			cell.Rounds[i].Lag = &late
		}
	}
	return nil
}

// share is the part i of n things that are dealt out in ranges.
func share(things, n, i int) (low, high int) {
	return things * i / n, things * (i + 1) / n
}
