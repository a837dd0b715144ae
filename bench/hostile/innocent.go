package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"dlm/bench"
)

const (
	pingEvery  = 2 * time.Millisecond
	freshEvery = 10 * time.Millisecond
	leaseMs    = 100
	beatEvery  = 30 * time.Millisecond
)

func (a *addresses) dial() (*bench.Client, error) { return bench.Dial(a.lock, a.token, answerMax) }

// pings measures round trips until ctx ends.
func pings(ctx context.Context, c *bench.Client) (bench.Latency, error) {
	l := bench.NewLatencies()
	for ctx.Err() == nil {
		from := time.Now()
		if err := c.WantOK("PING"); err != nil {
			return bench.Latency{}, err
		}
		l.Record(int64(time.Since(from)), 1)
		time.Sleep(pingEvery)
	}
	return l.Summary(), nil
}

// newcomers connect until ctx ends, one after the other. The latencies leave out refused ones,
// which are counted.
func newcomers(ctx context.Context, v *server, to port) (_ bench.Latency, refused int) {
	l := bench.NewLatencies()
	for ctx.Err() == nil {
		from := time.Now()
		if err := v.visit(to); err == nil {
			l.Record(int64(time.Since(from)), 1)
		} else {
			refused++
		}
		time.Sleep(freshEvery)
	}
	return l.Summary(), refused
}

// visit is one connection to a port: a command of a client that has authenticated, or a probe.
func (a *addresses) visit(to port) error {
	c, err := to.dial(a, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	request, want := fmt.Sprintf("AUTH %q\nPING\n", a.token), []string{"OK", "OK"}
	switch to {
	case httpPort:
		request, want = "GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", []string{"HTTP/1.1 200 OK"}
	case tlsPort:
		// This program has made the certificate.
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	}
	if err := c.SetDeadline(time.Now().Add(answerMax)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, request); err != nil {
		return err
	}
	in := bufio.NewReader(c)
	for _, line := range want {
		switch got, err := in.ReadString('\n'); {
		case err != nil:
			return err
		case strings.TrimSpace(got) != line:
			return errors.New(got)
		}
	}
	return nil
}

// keeper holds a lock with a short lease.
type keeper struct {
	late atomic.Bool // this process was too late with a heartbeat, so that a loss proves nothing
	lost int
	err  error
	done chan struct{}
}

// startKeeper acquires the lock and keeps it until ctx ends.
func startKeeper(ctx context.Context, v *server) *keeper {
	k := &keeper{done: make(chan struct{})}
	go func() {
		defer close(k.done)
		c, err := v.dial()
		if err != nil {
			k.err = err
			return
		}
		defer c.Close()
		k.err = k.keep(ctx, c)
	}()
	return k
}

// end returns how often the lease was lost. The context has ended.
func (k *keeper) end() (lost int, err error) {
	<-k.done
	return k.lost, k.err
}

// keep sends heartbeats when they are due, whether or not the former are answered, as a client's
// timer does.
func (k *keeper) keep(ctx context.Context, c *bench.Client) error {
	if err := c.WantOK(fmt.Sprintf("ACQUIRE innocent me 0 TTL %d", leaseMs)); err != nil {
		return err
	}
	if err := c.SetDeadline(time.Time{}); err != nil {
		return err
	}
	answers := make(chan error, 1)
	go func() { answers <- k.answers(c) }()
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for last := time.Now(); ; last = time.Now() {
		select {
		case <-ctx.Done():
			_, err := io.WriteString(c, "RELEASE innocent me ALL\nQUIT\n")
			return errors.Join(err, c.SetDeadline(time.Now().Add(answerMax)), <-answers)
		case <-tick.C:
		}
		if time.Since(last) > leaseMs*time.Millisecond*2/3 {
			k.late.Store(true)
		}
		if _, err := io.WriteString(c, "HEARTBEAT innocent me\n"); err != nil {
			return err
		}
	}
}

// answers reads until the end of the connection.
func (k *keeper) answers(c *bench.Client) error {
	for {
		line, err := c.Line()
		if err == io.EOF {
			return nil
		}
		if err == nil && strings.HasPrefix(line, "ERROR NOTHELD") {
			if !k.late.Load() {
				k.lost++
			}
			_, err = io.Copy(io.Discard, c.In) // one loss says enough
			return err
		}
		if err != nil {
			return err
		}
	}
}
