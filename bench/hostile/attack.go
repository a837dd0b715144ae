package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"
)

// port says where a row's connections and newcomers go.
type port int

const (
	lockPort port = iota
	httpPort
	tlsPort
)

// dial opens a connection, from an address of this machine or nil for the usual one.
func (p port) dial(a *addresses, from net.Addr) (net.Conn, error) {
	d := net.Dialer{LocalAddr: from, Timeout: answerMax}
	switch p {
	case httpPort:
		return d.Dial("tcp", a.http)
	case tlsPort:
		return d.Dial("tcp", a.tls)
	}
	return d.Dial("tcp", a.lock)
}

// startAttack starts the hostile process of a row and waits until all its connections have been
// open. It is a process of its own, so that innocent clients do not share its scheduler, and gets
// the core only while they leave it idle. (A lower priority would not do: the kernel lets a running
// thread finish its slice, up to 4 ms.) The function that is returned ends it.
func (h *host) startAttack(v *server, w *row) (end func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("chrt", "--idle", "0", self, "--attack", w.name, "--server", v.lock, "--http", v.http, "--tls", v.tls,
		"--conns", fmt.Sprint(h.s.conns), "--size", fmt.Sprint(h.s.size))
	cmd.Env, cmd.Stderr = append(os.Environ(), tokenVar+"="+v.token), os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	_, err = bufio.NewReader(stdout).ReadString('\n')
	end = func() error { return errors.Join(stdin.Close(), cmd.Wait()) }
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the hostile process: %w", err), end())
	}
	return end, nil
}

// attackers are the hostile connections of a row, until the standard input ends. They print a line
// when all have been open.
func attackers(s *settings) {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	var open, done sync.WaitGroup
	for _, w := range rows() {
		if w.name != s.attack || w.batch == nil && w.open == nil {
			continue
		}
		for conn := range w.connections(s) {
			open.Add(1)
			a := &attacker{s: s, w: &w, conn: conn, opened: sync.OnceFunc(open.Done)}
			done.Go(func() { a.run(ctx) })
		}
	}
	open.Wait()
	fmt.Println("open")
	done.Wait()
}

// attacker is one hostile connection. The server may close it; then it comes again.
type attacker struct {
	s      *settings
	w      *row
	conn   int
	opened func()
}

func (a *attacker) run(ctx context.Context) {
	defer a.opened()
	for ctx.Err() == nil {
		c, err := a.dial()
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		end := context.AfterFunc(ctx, func() { _ = c.Close() })
		a.use(ctx, c)
		end()
		_ = c.Close()
	}
}

// hostileAddrs is how many addresses of loopback strangers come from.
const hostileAddrs, connsPerAddr = 200, 16

func (a *attacker) dial() (net.Conn, error) {
	if !a.w.stranger {
		return a.s.dial()
	}
	return a.w.to.dial(&a.s.addresses, strangerAddr(a.conn/connsPerAddr))
}

// strangerAddr returns an address of loopback that no innocent client has.
func strangerAddr(number int) net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+number%hostileAddrs))}
}

// use sends what the row wants until ctx or the connection ends.
func (a *attacker) use(ctx context.Context, c net.Conn) {
	w := a.w
	read := make(chan struct{})
	if !w.unread {
		go func() {
			defer close(read)
			_, _ = io.Copy(io.Discard, c)
		}()
	}
	if w.open != nil {
		if _, err := c.Write(w.open(a.conn, a.s.size)); err != nil {
			return
		}
	}
	a.opened()
	if w.batch == nil {
		if w.leaves > 0 {
			_ = c.SetReadDeadline(time.Now().Add(w.leaves))
		}
		<-read
		return
	}
	batch := w.batch(a.conn, a.s.size)
	for ctx.Err() == nil {
		if w.unread {
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
		}
		if _, err := c.Write(batch); err != nil {
			return
		}
		if w.every > 0 {
			time.Sleep(w.every)
		}
	}
}
