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
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dlm/bench"
)

const (
	pingEvery  = 2 * time.Millisecond
	leaseMs    = 100
	beatEvery  = 30 * time.Millisecond
	answerMax  = 60 * time.Second // for one answer to the innocent client
	settleTime = 300 * time.Millisecond
)

// result is the outcome of a row for the innocent client.
type result struct {
	ping bench.Latency
	lost int
}

func dial(s *settings) (*bench.Client, error) { return bench.Dial(s.server, s.token, answerMax) }

// measure runs one row. The hostile connections are in a process of their own, so that the innocent
// client does not share their scheduler.
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
	cmd := exec.Command(os.Args[0], append([]string{"--attack", w.name}, os.Args[1:]...)...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	time.Sleep(settleTime) // the first batches are under way
	ctx, stop := context.WithTimeout(context.Background(), time.Duration(s.seconds*float64(time.Second)))
	defer stop()
	r, errs := &result{}, make(chan error, 2)
	go func() { errs <- r.pings(ctx, innocent) }()
	go func() { errs <- r.keep(ctx, keeper) }()
	err = errors.Join(<-errs, <-errs, stdin.Close(), cmd.Wait())
	return r, err
}

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
	if err := c.WantOK(fmt.Sprintf("ACQUIRE innocent me 0 TTL %d", leaseMs)); err != nil {
		return err
	}
	if err := c.SetDeadline(time.Now().Add(answerMax + time.Hour)); err != nil {
		return err
	}
	var late atomic.Bool
	answers := make(chan error, 1)
	go func() { answers <- r.answers(c, &late) }()
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for last := time.Now(); ; last = time.Now() {
		select {
		case <-ctx.Done():
			_, err := io.WriteString(c, "RELEASE innocent me ALL\nQUIT\n")
			return errors.Join(err, <-answers)
		case <-tick.C:
		}
		if time.Since(last) > leaseMs*time.Millisecond*2/3 {
			late.Store(true)
		}
		if _, err := io.WriteString(c, "HEARTBEAT innocent me\n"); err != nil {
			return err
		}
	}
}

// answers reads until the end of the connection.
func (r *result) answers(c *bench.Client, late *atomic.Bool) error {
	for {
		line, err := c.Line()
		if err == io.EOF {
			return nil
		}
		if err == nil && strings.HasPrefix(line, "ERROR NOTHELD") {
			if !late.Load() {
				r.lost++
			}
			_, err = io.Copy(io.Discard, c.In) // one loss says enough
			return err
		}
		if err != nil {
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
		if _, err := c.Line(); err != nil {
			return err
		}
	}
	return nil
}

// attackers are the hostile connections of a row, until the standard input ends.
func attackers(s *settings) {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	var wg sync.WaitGroup
	for _, w := range rows() {
		if w.name == s.attack && w.batch != nil {
			for conn := range s.conns {
				wg.Go(func() { attack(ctx, s, &w, conn) })
			}
		}
	}
	wg.Wait()
}

// attack is one hostile connection until ctx ends. The server may close it; then it comes again.
func attack(ctx context.Context, s *settings, w *row, conn int) {
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
			if _, err = c.Write(batch); w.unread && err == nil {
				err = c.SetWriteDeadline(time.Now().Add(time.Second))
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
