package main

import (
	"context"
	"fmt"
	"time"

	"dlm/cmd/dlm/admin"
	"dlm/engine"
)

// signalEcho is for how long signals are the first one again. A program such as timeout(1) sends
// its signal to the process and to its group, so it comes twice, and some supervisors pass on a
// Ctrl-C that the terminal has sent already. The second one must not cost the clean stop.
const signalEcho = time.Second

// afterEchoes calls f when the first signal, which ends ctx, can have no echo any more.
func afterEchoes(ctx context.Context, f func()) {
	context.AfterFunc(ctx, func() { time.AfterFunc(signalEcho, f) })
}

// within returns the result of work. Once stop is closed, work has the time that bound returns. If
// it takes longer, within abandons it and returns an error that names what hangs. The process must
// end after that.
func within[T any](stop <-chan struct{}, bound func() time.Duration, hangsAt func() string, work func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := work()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-stop:
	}
	limit := bound()
	select {
	case r := <-done:
		return r.value, r.err
	case <-time.After(limit):
		var none T
		return none, fmt.Errorf("the stop took longer than %v (--stop-timeout): it was waiting for %s", limit, hangsAt())
	}
}

// openEngine is engine.New for a process that can be told to stop meanwhile, because large images
// take seconds to load and a disk can hang.
func openEngine(ctx context.Context, cfg engine.Config) (*engine.Engine, error) {
	return within(ctx.Done(), func() time.Duration { return cfg.StopWait },
		func() string { return "the data directory to be read" },
		func() (*engine.Engine, error) { return engine.New(cfg) })
}

// serveBounded is serveAll with a bound on the time of the stop.
func serveBounded(ctx context.Context, server *engine.Engine, side, probes *admin.Server) error {
	hangsAt := func() string {
		if at := server.StopsAt(); at != "" {
			return at
		}
		return "answers of the HTTP side"
	}
	_, err := within(server.Stopping(), server.StopMax, hangsAt, func() (struct{}, error) {
		return struct{}{}, serveAll(ctx, server, side, probes)
	})
	return err
}
