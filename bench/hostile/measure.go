package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dlm/bench"
)

// result is what the innocent client saw during a row.
type result struct {
	ping  bench.Latency
	lost  int
	bytes int64 // that the hostile connections have sent
}

// measure runs one row.
func measure(s *settings, w *row) (*result, error) {
	innocent, err := dial(s)
	if err != nil {
		return nil, err
	}
	defer innocent.Close()
	keeper, err := dial(s)
	if err != nil {
		return nil, err
	}
	defer keeper.Close()
	if w.prepare != nil {
		if err := prepare(s, w.prepare(s.size)); err != nil {
			return nil, err
		}
	}
	r := &result{}
	end, err := startAttack(s, w)
	if err != nil {
		return nil, err
	}
	time.Sleep(settleTime) // the first batches are under way
	ctx, stop := context.WithTimeout(context.Background(), time.Duration(s.seconds*float64(time.Second)))
	defer stop()
	errs := make(chan error, 2)
	go func() { errs <- r.pings(ctx, innocent) }()
	go func() { errs <- r.keep(ctx, keeper) }()
	err = errors.Join(<-errs, <-errs)
	r.bytes, err = end(err)
	return r, err
}

// startAttack starts the hostile connections in a process of their own, so that the innocent client
// does not share their scheduler. end stops it and returns what it has sent.
func startAttack(s *settings, w *row) (end func(error) (int64, error), err error) {
	if w.batch == nil {
		return func(err error) (int64, error) { return 0, err }, nil
	}
	cmd := exec.Command(os.Args[0], "--attack", w.name, "--server", s.server, "--http", s.http,
		"--conns", strconv.Itoa(s.conns), "--size", strconv.Itoa(s.size))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func(err error) (int64, error) {
		err = errors.Join(err, stdin.Close(), cmd.Wait())
		n, parseErr := strconv.ParseInt(strings.TrimSpace(out.String()), 10, 64)
		return n, errors.Join(err, parseErr)
	}, nil
}

// attackers are the hostile connections of a row, until the standard input ends.
func attackers(s *settings) {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	var wg sync.WaitGroup
	var sent atomic.Int64
	for _, w := range rows() {
		if w.name != s.attack {
			continue
		}
		for conn := range s.conns {
			wg.Go(func() { attack(ctx, s, &w, conn, &sent) })
		}
	}
	wg.Wait()
	fmt.Println(sent.Load())
}

func dial(s *settings) (*bench.Client, error) { return bench.Dial(s.server, s.token, answerMax) }

// pings measures round trips until ctx ends.
func (r *result) pings(ctx context.Context, c *bench.Client) error {
	l := bench.NewLatencies()
	for ctx.Err() == nil {
		from := time.Now()
		if err := c.WantOK("PING"); err != nil {
			return err
		}
		l.Record(int64(time.Since(from)), 1)
		time.Sleep(pingEvery)
	}
	r.ping = l.Summary()
	return nil
}

// keep holds a lock until ctx ends and counts whether it was lost. It sends heartbeats when they
// are due, whether or not the former are answered, as a client's timer does. A loss is not counted
// after this process was too late with a heartbeat, because it proves nothing.
func (r *result) keep(ctx context.Context, c *bench.Client) error {
	acquire := fmt.Sprintf("ACQUIRE innocent me 0 TTL %d", leaseMs)
	var late atomic.Bool
	answers := make(chan error, 1)
	if err := c.WantOK(acquire); err != nil {
		return err
	}
	if err := c.SetDeadline(time.Now().Add(answerMax + time.Hour)); err != nil {
		return err
	}
	go func() { answers <- r.answers(c, &late) }()
	last := time.Now()
	for tick := time.NewTicker(beatEvery); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			_, err := io.WriteString(c, "RELEASE innocent me ALL\nQUIT\n")
			if readErr := <-answers; err == nil {
				err = readErr
			}
			return err
		case <-tick.C:
		}
		if now := time.Now(); now.Sub(last) > leaseMs*time.Millisecond*2/3 {
			late.Store(true)
		}
		last = time.Now()
		if _, err := io.WriteString(c, "HEARTBEAT innocent me\n"); err != nil {
			return err
		}
	}
}

// answers reads until the end of the connection.
func (r *result) answers(c *bench.Client, late *atomic.Bool) error {
	for {
		line, err := c.In.ReadString('\n')
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case strings.HasPrefix(line, "ERROR NOTHELD"):
			if !late.Load() {
				r.lost++
			}
			_, err := io.Copy(io.Discard, c.In) // one loss says enough
			return err
		}
	}
}

// prepare sends lines and waits for their answers.
func prepare(s *settings, lines []byte) error {
	c, err := dial(s)
	if err != nil {
		return err
	}
	defer c.Close()
	go func() { _, _ = c.Write(lines) }() // an error shows as a missing answer
	for range bytes.Count(lines, []byte{'\n'}) {
		if _, err := c.In.ReadSlice('\n'); err != nil {
			return err
		}
	}
	return nil
}

// attack is one hostile connection until ctx ends. The server may close it; then it comes again.
func attack(ctx context.Context, s *settings, w *row, conn int, sent *atomic.Int64) {
	batch := w.batch(conn, s.size)
	for ctx.Err() == nil {
		c, err := open(s, w)
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		end := context.AfterFunc(ctx, func() { _ = c.Close() })
		if !w.unread {
			go func() { _, _ = io.Copy(io.Discard, c) }()
		}
		if w.open != nil {
			_, err = c.Write(w.open(conn, s.size))
		}
		for err == nil && ctx.Err() == nil {
			var n int
			n, err = c.Write(batch)
			sent.Add(int64(n))
			if w.unread && err == nil {
				_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			}
		}
		end()
		_ = c.Close()
	}
}

func open(s *settings, w *row) (net.Conn, error) {
	if w.http {
		return net.Dial("tcp", s.http)
	}
	c, err := dial(s)
	if err != nil {
		return nil, err
	}
	return c, nil
}
