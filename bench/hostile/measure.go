package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dlm/bench"
)

const (
	answerMax = 10 * time.Second // for one answer to the innocent clients
	// settleTime is between the start or the end of hostile clients and the next measurement.
	settleTime = 250 * time.Millisecond
)

// slice is what the innocent clients met for some time.
type slice struct {
	ping    bench.Latency // round trips
	fresh   bench.Latency // from a new connection's opening to its first answer
	refused int           // newcomers that got another answer, or none
	busy    float64       // cores that the server used
}

// result is the outcome of a row.
type result struct {
	quiet, hostile []slice // of each round
	lost           int     // leases
}

// measure runs one row against a server of its own.
func measure(ctx context.Context, h *host, w *row) (*result, error) {
	v, err := h.start("--max-locks", fmt.Sprint(20*h.s.size))
	if err != nil {
		return nil, err
	}
	defer v.stop()
	if w.prepare != nil {
		if err := prepare(v, w.prepare(h.s.size)); err != nil {
			return nil, err
		}
	}
	innocent, err := v.dial()
	if err != nil {
		return nil, err
	}
	defer innocent.Close()
	ctx, stop := context.WithCancel(ctx)
	k := startKeeper(ctx, v)
	r := &result{}
	for range h.s.rounds {
		if err = r.round(ctx, h, v, w, innocent); err != nil {
			break
		}
	}
	stop()
	r.lost, k.err = k.end()
	return r, errors.Join(err, k.err)
}

// round measures without the hostile clients, and then with them.
func (r *result) round(ctx context.Context, h *host, v *server, w *row, innocent *bench.Client) error {
	time.Sleep(settleTime)
	quiet, err := measureSlice(ctx, h.s.slice, v, w, innocent)
	if err != nil {
		return err
	}
	if w.stalled {
		if err := v.log.stall(); err != nil {
			return err
		}
		defer v.log.listen()
	}
	end, err := h.startAttack(v, w)
	if err != nil {
		return err
	}
	time.Sleep(settleTime)
	hostile, err := measureSlice(ctx, max(w.lasts, h.s.slice), v, w, innocent)
	r.quiet, r.hostile = append(r.quiet, quiet), append(r.hostile, hostile)
	return errors.Join(err, end())
}

// measureSlice lets the innocent clients work for some time.
func measureSlice(ctx context.Context, length time.Duration, v *server, w *row, innocent *bench.Client) (s slice, err error) {
	ctx, stop := context.WithTimeout(ctx, length)
	defer stop()
	from, before := time.Now(), cpuOf(v)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.fresh, s.refused = newcomers(ctx, v, w.to)
	}()
	s.ping, err = pings(ctx, innocent)
	s.busy = float64(cpuOf(v)-before) / float64(time.Since(from))
	<-done
	if cause := context.Cause(ctx); cause != context.DeadlineExceeded {
		err = errors.Join(err, cause)
	}
	return s, err
}

func cpuOf(v *server) int64 {
	ns, _ := bench.CPUOf(v.pid())
	return ns
}

// prepare sends lines and waits for their answers.
func prepare(v *server, lines []byte) error {
	c, err := v.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	go func() { _, _ = c.Write(lines) }() // an error shows as a missing answer
	for range bytes.Count(lines, []byte{'\n'}) {
		if _, err := c.Line(); err != nil {
			return err
		}
	}
	return nil
}

func printHead() {
	fmt.Println("| hostile | PING p50 | | p99 | | × | most | | newcomer p50 | | p99 | | × | refused | server busy | | leases lost |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
}

// print prints the row: of each pair the first figure is without the hostile clients.
func (r *result) print(name string) {
	ping := func(s *slice) *bench.Latency { return &s.ping }
	fresh := func(s *slice) *bench.Latency { return &s.fresh }
	busy := func(s *slice) float64 { return s.busy }
	refused := 0
	for _, s := range r.hostile {
		refused += s.refused
	}
	most := func(list []slice) string {
		return bench.FormatNs(slices.Max(each(list, func(s *slice) float64 { return float64(s.ping.Max) })))
	}
	fmt.Printf("| %s | %s | %s | %s | %s | %d | %s | %s | %d |\n", name,
		r.quantiles(ping), most(r.quiet), most(r.hostile), r.quantiles(fresh), refused,
		bench.Digits2(bench.Median(each(r.quiet, busy))), bench.Digits2(bench.Median(each(r.hostile, busy))), r.lost)
}

// quantiles shows the medians of p50 and p99 without the hostile clients and with them, and the
// median of the ratios of p99 within a round.
func (r *result) quantiles(of func(*slice) *bench.Latency) string {
	p50 := func(s *slice) float64 { return float64(of(s).P50) }
	p99 := func(s *slice) float64 { return float64(of(s).P99) }
	ratios := each(r.hostile, p99)
	for i, quiet := range each(r.quiet, p99) {
		ratios[i] /= max(quiet, 1)
	}
	text := ""
	for _, values := range [][]float64{each(r.quiet, p50), each(r.hostile, p50), each(r.quiet, p99), each(r.hostile, p99)} {
		text += bench.FormatNs(bench.Median(values)) + " | "
	}
	return text + bench.Digits2(bench.Median(ratios))
}

func each(list []slice, value func(*slice) float64) (values []float64) {
	for i := range list {
		values = append(values, value(&list[i]))
	}
	return values
}
