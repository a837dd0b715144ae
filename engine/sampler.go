package engine

import (
	"context"
	"math"
	"strings"
	"time"

	"dlm/codec"
	"dlm/engine/observe"
	"dlm/table"
)

const (
	sampleEvery = time.Second
	// quantileSpan is how many seconds the quantiles of a sample cover.
	quantileSpan = 10
	// pausesEvery is the least time between two events that tell of pauses.
	pausesEvery = time.Minute
	// failuresEvery is the least time between two events that tell of the same failure.
	failuresEvery = time.Minute
)

// sampler takes a sample a second, and notes what has happened to the server since the last one:
// nothing that happens to a connection or a command has to do that by itself. It belongs to the
// goroutine "sampler".
type sampler struct {
	e     *Engine
	last  Stats                        // of the sample before
	past  [quantileSpan]table.Measures // the second n is at n%quantileSpan
	taken uint64                       // samples

	pausesTold uint64    // pauses that events tell of
	pausesAt   time.Time // when the last of these was noted

	images, fetches failures
}

// failures are attempts in turn that fail, each interval, until somebody helps.
type failures struct {
	told uint64    // events tell of so many
	why  string    // of the last of these that had a reason, without digits
	at   time.Time // when it was noted
}

// news returns how many an event is to tell of: the first, one that fails for another reason, and
// together those of each minute. why is empty if a try has succeeded since. Ports of connections
// and free bytes differ each time, so digits make no other reason.
func (f *failures) news(count uint64, why string, now time.Time) (n uint64) {
	if count <= f.told {
		f.told = min(f.told, count) // a promotion begins to count anew
		return 0
	}
	if why = strings.Map(withoutDigits, why); why == "" {
		why = f.why
	}
	if why == f.why && now.Sub(f.at) < failuresEvery {
		return 0
	}
	n = count - f.told
	*f = failures{count, why, now}
	return n
}

func withoutDigits(c rune) rune {
	if '0' <= c && c <= '9' {
		return -1
	}
	return c
}

// lastBecause ends an event about failures.
func lastBecause(why string) string {
	if why == "" {
		return "the next try succeeded"
	}
	return "the last because: " + why
}

// runSampler is the goroutine "sampler", until ctx ends.
func (e *Engine) runSampler(ctx context.Context) {
	every := time.NewTicker(sampleEvery)
	defer every.Stop()
	s := sampler{e: e, last: e.Stats()}
	s.pausesTold = s.last.Pauses
	s.images.told, s.fetches.told = s.last.Image.Failures, s.last.FetchFails
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-every.C:
			s.take(now)
		}
	}
}

// take takes one sample.
func (s *sampler) take(now time.Time) {
	st := s.e.makeStats()
	s.e.askLag()
	old := &s.past[s.taken%quantileSpan]
	sample := s.sample(&st, old)
	s.e.observer.Record(&sample, now)
	s.noteChanges(&st, now)
	*old = st.Measures
	s.taken++
	s.last = st
}

// sample makes the numbers in the order of observe.Columns.
func (s *sampler) sample(st *Stats, old *table.Measures) observe.Sample {
	t, was := &st.Table, &s.last.Table
	wait, hold := s.e.observer.Longest()
	diff := func(now, before uint64) float64 { return float64(now - min(now, before)) }
	commands := func(of func(*ResultCount) bool) float64 { return diff(sum(st.Commands, of), sum(s.last.Commands, of)) }
	verb := func(name string) float64 { return commands(func(c *ResultCount) bool { return c.Command == name }) }
	return observe.Sample{
		float64(t.Held), float64(t.Contended), float64(t.Waiters), float64(st.Conns), float64(st.Buffered), float64(t.BytesUsed),
		float64(wait.Milliseconds()), float64(hold.Milliseconds()),
		commands(func(*ResultCount) bool { return true }), commands(func(c *ResultCount) bool { return c.Result != "ok" }), verb("acquire"), verb("release"), verb("heartbeat"),
		diff(t.Grants, was.Grants), diff(st.Measures.Granted.Count(), s.last.Measures.Granted.Count()), diff(t.Reentries, was.Reentries),
		diff(t.Releases, was.Releases), diff(t.Expiries, was.Expiries),
		diff(t.Forced, was.Forced), diff(t.TakeBacks, was.TakeBacks), diff(t.Queued, was.Queued), diff(t.TimeOuts, was.TimeOuts), diff(t.Cancels, was.Cancels),
		diff(st.Accepted, s.last.Accepted), diff(namedSum(st.Closed), namedSum(s.last.Closed)),
		diff(st.WrongTokens+st.WrongHTTP, s.last.WrongTokens+s.last.WrongHTTP),
		observe.QuantileMs(&st.Measures.Waited, &old.Waited, 0.5), observe.QuantileMs(&st.Measures.Waited, &old.Waited, 0.99),
		observe.QuantileMs(&st.Measures.Held, &old.Held, 0.5), observe.QuantileMs(&st.Measures.Held, &old.Held, 0.99),
		longestMs(&st.SettleLag, &s.last.SettleLag), longestMs(&st.LoopLag, &s.last.LoopLag),
	}
}

// longestMs returns the longest duration that now has counted and before has not, in ms.
func longestMs(now, before *table.Histogram) float64 {
	return math.Max(0, observe.QuantileMs(now, before, 1))
}

// sum returns how many commands there were of some kind.
func sum(list []ResultCount, of func(*ResultCount) bool) (n uint64) {
	for i := range list {
		if of(&list[i]) {
			n += list[i].Count
		}
	}
	return n
}

func namedSum(list []NamedCount) (n uint64) {
	for _, c := range list {
		n += c.Count
	}
	return n
}

// noteChanges notes what has happened to the server since the sample before, at most one event of
// each kind.
func (s *sampler) noteChanges(st *Stats, now time.Time) {
	note, was := s.e.observer.Note, &s.last
	for i, c := range st.Closed {
		if n := c.Count - was.Closed[i].Count; n > 0 {
			note("closed", "%d connections were closed: %s", n, c.Name)
		}
	}
	for i, c := range st.Refused {
		if n := c.Count - was.Refused[i].Count; n > 0 {
			note("limit", "%d connections were not served: %s", n, c.Name)
		}
	}
	limited := func(c *ResultCount) bool { return c.Result == "limit" }
	if n := sum(st.Commands, limited) - sum(was.Commands, limited); n > 0 {
		note("limit", "%d commands were answered %s", n, codec.Limit)
	}
	if n := st.WrongTokens + st.WrongHTTP - was.WrongTokens - was.WrongHTTP; n > 0 {
		note("auth", "%d wrong tokens were shown", n)
	}
	if n := st.Denied - was.Denied; n > 0 {
		note("denied", "%d requests were refused for the lack of a role", n)
	}
	s.notePauses(st.Pauses, now, s.e.clock.TakeLongest)
	if st.Backup != was.Backup {
		note("role", "this server is the primary from now on")
	}
	if n := s.images.news(st.Image.Failures, st.Image.Problem, now); n > 0 {
		note("image", "images that could not be written: %d, %s", n, lastBecause(st.Image.Problem))
	}
	if n := s.fetches.news(st.FetchFails, st.FetchError, now); n > 0 && st.Backup {
		note("image", "images that could not be fetched from the primary: %d, %s", n, lastBecause(st.FetchError))
	}
}

// notePauses notes pauses of the process, which a busy machine makes all the time: the first by
// itself, and those of the minute after it together at its end.
func (s *sampler) notePauses(pauses uint64, now time.Time, takeLongest func() time.Duration) {
	n := pauses - s.pausesTold
	if n == 0 || now.Sub(s.pausesAt) < pausesEvery {
		return
	}
	s.pausesTold, s.pausesAt = pauses, now
	s.e.observer.Note("pause", "pauses of the process: %d, the longest %d ms", n, takeLongest().Milliseconds())
}
