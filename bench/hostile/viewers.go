package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dlm/bench"
)

const (
	viewers     = 16 // as many streams as a server has
	scrapeEvery = time.Second
	viewSlices  = 10      // of a round, because views are renewed seldom
	fillChunk   = 100_000 // locks that are acquired together
)

// measureViewers fills a server with held locks, and prints what viewers and a scrape a second cost
// it while nothing else happens, and what they cost lock commands.
func measureViewers(ctx context.Context, h *host) error {
	s := h.s
	v, err := h.start("--max-locks", fmt.Sprint(s.locks+fillChunk), "--max-memory", "0")
	if err != nil {
		return err
	}
	defer v.stop()
	for at := 0; at < s.locks && ctx.Err() == nil; at += fillChunk {
		if err := prepare(v, fill(at, min(at+fillChunk, s.locks))); err != nil {
			return err
		}
	}
	fmt.Printf("%s locks held; %d viewers of /api/v1/live and a scrape a second.\n", bench.FormatCount(float64(s.locks)), viewers)
	length := viewSlices * s.slice
	var idle float64 // cores that the server uses
	rest := func(ctx context.Context) error {
		from, before := time.Now(), cpuOf(v)
		select {
		case <-ctx.Done():
		case <-time.After(length):
		}
		idle = float64(cpuOf(v)-before) / float64(time.Since(from))
		return nil
	}
	_ = rest(ctx) // it does not fail
	alone := idle
	if err := v.watched(ctx, rest); err != nil {
		return err
	}
	fmt.Printf("An idle server uses %.2f %% of a core without viewers, %.2f %% with them.\n\n", 100*alone, 100*idle)
	quiet, watched := newPairs(), newPairs()
	for range s.rounds {
		if err := quiet.measure(ctx, v, length); err != nil {
			return err
		}
		if err := v.watched(ctx, func(ctx context.Context) error { return watched.measure(ctx, v, length) }); err != nil {
			return err
		}
	}
	fmt.Println("| depth | CPU ns/command | with viewers | × | of all rounds | p50 | | p99 | | × |")
	fmt.Println("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for i := range pairDepths {
		printViewed(quiet.cells[i], watched.cells[i])
	}
	return nil
}

// fill returns commands that acquire locks for a day.
func fill(from, to int) []byte {
	var b bytes.Buffer
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "ACQUIRE team-%d/job/%d worker-%d 0 TTL 86400000\n", i%1000, i, i%100)
	}
	return b.Bytes()
}

var pairDepths = []int{1, 64}

// pairs are rounds of ACQUIRE and RELEASE, for each depth.
type pairs struct{ cells []*bench.Cell }

func newPairs() *pairs {
	p := &pairs{}
	for _, depth := range pairDepths {
		p.cells = append(p.cells, &bench.Cell{Depth: depth})
	}
	return p
}

// measure adds a round to each cell.
func (p *pairs) measure(ctx context.Context, v *server, length time.Duration) error {
	load := bench.Load{Server: v.lock, Token: v.token, PID: v.pid(), Rounds: 1, Duration: length, Warmup: settleTime}
	w := &bench.Pair{Paced: bench.Paced{Stream: bench.Stream{Depths: pairDepths}}}
	report, err := bench.Run(ctx, load, w)
	if err != nil {
		return err
	}
	for i, c := range report.Cells {
		p.cells[i].Rounds = append(p.cells[i].Rounds, c.Rounds...)
	}
	return nil
}

// printViewed prints the row of a depth. The ratio of all rounds together counts, because a view is
// renewed in some rounds and not in others.
func printViewed(quiet, watched *bench.Cell) {
	mid := func(c *bench.Cell, figure func(*bench.Round) *float64) float64 {
		m, _, _, _ := c.Of(figure)
		return m
	}
	ratio := func(figure func(*bench.Round) *float64) string {
		var list []float64
		for i := range quiet.Rounds {
			if q, w := figure(&quiet.Rounds[i]), figure(&watched.Rounds[i]); q != nil && w != nil {
				list = append(list, *w / *q)
			}
		}
		return fmt.Sprintf("%.3f", bench.Median(list))
	}
	perCommand := func(c *bench.Cell) float64 {
		cpu, commands := 0.0, 0.0
		for _, r := range c.Rounds {
			if r.CPU != nil {
				cpu, commands = cpu+*r.CPU*float64(r.Commands), commands+float64(r.Commands)
			}
		}
		return cpu / max(commands, 1)
	}
	fmt.Printf("| %d | %.1f | %.1f | %s | %.3f | %s | %s | %s | %s | %s |\n", quiet.Depth,
		mid(quiet, bench.CPU), mid(watched, bench.CPU), ratio(bench.CPU), perCommand(watched)/perCommand(quiet),
		bench.FormatNs(mid(quiet, bench.P50)), bench.FormatNs(mid(watched, bench.P50)),
		bench.FormatNs(mid(quiet, bench.P99)), bench.FormatNs(mid(watched, bench.P99)), ratio(bench.P99))
}

// watched calls measure while viewers read streams and a scrape comes each second. It fails if one
// of them sees nothing.
func (v *server) watched(ctx context.Context, measure func(context.Context) error) error {
	viewing, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	var frames, scrapes atomic.Int64
	failed := make(chan error, viewers+1)
	for i := range viewers {
		all.Go(func() { failed <- v.view(viewing, i, &frames) })
	}
	all.Go(func() { failed <- v.scrape(viewing, &scrapes) })
	err := measure(ctx)
	stop()
	all.Wait()
	for range viewers + 1 {
		if one := <-failed; one != nil && err == nil {
			err = one
		}
	}
	if err == nil && (frames.Load() < viewers || scrapes.Load() == 0) {
		err = fmt.Errorf("the viewers have seen %d frames and %d scrapes", frames.Load(), scrapes.Load())
	}
	return err
}

// view reads the stream until ctx ends.
func (v *server) view(ctx context.Context, number int, frames *atomic.Int64) error {
	own := &http.Transport{DialContext: (&net.Dialer{LocalAddr: strangerAddr(number)}).DialContext}
	defer own.CloseIdleConnections()
	body, err := v.get(ctx, &http.Client{Transport: own}, "/api/v1/live")
	if err != nil {
		return err
	}
	defer body.Close()
	in := bufio.NewReader(body)
	for {
		line, err := in.ReadString('\n')
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("a stream has ended: %w", err)
		}
		if strings.HasPrefix(line, "data:") {
			frames.Add(1)
		}
	}
}

// scrape asks for the metrics until ctx ends.
func (v *server) scrape(ctx context.Context, scrapes *atomic.Int64) error {
	tick := time.NewTicker(scrapeEvery)
	defer tick.Stop()
	for {
		body, err := v.get(ctx, http.DefaultClient, "/metrics")
		if err == nil {
			_, err = io.Copy(io.Discard, body)
			_ = body.Close()
			scrapes.Add(1)
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// get asks the HTTP side, as an admin.
func (v *server) get(ctx context.Context, client *http.Client, path string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+v.http+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+v.token)
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return answer.Body, nil
}
