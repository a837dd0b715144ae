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

// setToken writes a token into request i. It returns false if it has another number of digits.
func (b *batch) setToken(i int, token uint64) bool {
	return copy(b.data[b.tokenAt[i]:], strconv.AppendUint(nil, token, 10)) == len(tokenDigits)
}

// encoder writes the commands of a stream.
type encoder struct {
	load *Load
	p    *Protocol
	Options
	// token returns the token that a HEARTBEAT or RELEASE shows, 0 for none; nil: none.
	token func(command) codec.Token
	// known has the patterns of each verb, by their place in a batch: one each if there are tags.
	known map[codec.Verb][]*Pattern
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
	switch c.verb {
	case codec.VerbAcquire:
		setTTL(cmd, e.TTL)
	case codec.VerbHeartbeat:
		setTTL(cmd, e.TTL)
	}
	if e.token != nil {
		if cmd.Token = e.token(c); cmd.Token > 0 {
			cmd.Opts |= codec.OptToken
		}
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

// plan is what a workload asks of the generator: the commands of each connection, over and over.
type plan struct {
	Stream
	Options
	rates []int
	locks int
	token func(command) codec.Token
	// commands returns n commands, with draw for the number of a lock.
	commands func(depth, n int, draw func() int) []command
	// period is after how many batches all locks are released again. n is a multiple of it.
	period  int
	granted func(c *streamConn, reply int, token uint64) error // of streamLoop
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
	shared := newProgress(r.load.Poll)
	var loops []*streamLoop
	var work []func() error
	n := min(p.Threads, r.load.Conns)
	for i := range n {
		low, high := share(r.load.Conns, n, i)
		l, err := r.streamLoop(shared, p, depth, low, high)
		if err != nil {
			return err
		}
		defer l.close()
		if rate > 0 { // each loop keeps its part of the rate
			l.pace = newPace(shared.clock(), max(rate*(high-low)/r.load.Conns, 1), depth)
		}
		loops, work = append(loops, l), append(work, l.run)
	}
	cell := r.newCell(r.load.protocol(p.Form).Name, depth, p.locks)
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

// streamLoop makes a loop for the connections low to high - 1.
func (r *run) streamLoop(shared *progress, p *plan, depth, low, high int) (*streamLoop, error) {
	proto := r.load.protocol(p.Form)
	var streams [][]*batch
	for conn := low; conn < high; conn++ {
		streams = append(streams, r.batches(p, proto, depth, conn))
	}
	l, err := newStreamLoop(shared, r.load, proto, streams, r.load.Rounds)
	if err != nil {
		return nil, err
	}
	l.period, l.granted = p.period, p.granted
	return l, nil
}

// batches encodes the stream of a connection.
func (r *run) batches(p *plan, proto *Protocol, depth, conn int) []*batch {
	e := r.encoder(proto, p.Options)
	e.token = p.token
	return e.batches(conn, depth, r.draws(p, depth, conn))
}

func (r *run) encoder(p *Protocol, o Options) *encoder {
	return &encoder{load: r.load, p: p, Options: o, known: map[codec.Verb][]*Pattern{}}
}

// draws returns the commands of a connection: about two rounds over its locks, in whole units.
func (r *run) draws(p *plan, depth, conn int) []command {
	low, high := share(p.locks, r.load.Conns, conn)
	rng := rand.New(rand.NewPCG(seed, uint64(conn)))
	draw := func() int { return low + rng.IntN(high-low) }
	unit := depth * p.period
	n := min(max(4*(high-low), streamCommandsMin), streamBytesMax/requestBytes/r.load.Conns)
	return p.commands(depth, max(n/unit, 1)*unit, draw)
}

// share is the part i of n things that are dealt out in ranges.
func share(things, n, i int) (low, high int) {
	return things * i / n, things * (i + 1) / n
}
