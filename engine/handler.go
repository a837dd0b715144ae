package engine

import (
	"errors"

	"dlm/engine/transport"
	"dlm/table"
)

// A reactor is the transport.Loop of one event loop, and a conn the transport.Conn of one socket.
// Package transport calls nothing else of the engine. Tests call the methods of reactor that these
// call.

// startTransport starts an event loop for each reactor.
func startTransport(e *Engine) (*transport.Server, error) {
	cfg := transport.Config{Log: e.cfg.Log, Writable: func(id uint64) {
		conn := table.ConnID(id)
		e.reactors[loopOf(conn)].goOn(conn)
	}}
	for _, r := range e.reactors {
		cfg.Loops = append(cfg.Loops, r)
	}
	return transport.Start(cfg)
}

// Bind gives the reactor its loop: wake makes Woken run on it, ask makes Polled run on it after its
// sockets have been read. Any goroutine may call them.
func (r *reactor) Bind(wake, ask func()) {
	r.probe.again.Store(&ask)
	r.wakeLoop.Store(&wake)
}

// Woken looks at the inbox.
func (r *reactor) Woken() { r.drainInbox() }

// Polled answers that the sockets that were readable when ask was called have been read.
func (r *reactor) Polled() { r.polled() }

// Open makes the session of a connection that an acceptor has handed over.
func (r *reactor) Open(s transport.Link, came any) (transport.Conn, uint64) {
	c := r.openAs(s, *came.(*arrival))
	return c, uint64(c.id)
}

// Feed executes what has arrived.
func (c *conn) Feed(in []byte, full bool) {
	if full {
		c.r.probe.deep = true
	}
	c.r.feed(c, in)
}

// InputEnded executes the end of the input.
func (c *conn) InputEnded() (alive, output bool) {
	c.r.inputEnds(c)
	return !c.closed, c.backlog != nil
}

// Gone ends the session of a connection that has failed.
func (c *conn) Gone(cause error) {
	if errors.Is(cause, transport.ErrNoDescriptor) {
		c.r.e.reject(rejectFiles)
	}
	c.r.gone(c, cause)
}

// Lost ends the session of a connection that is closed.
func (c *conn) Lost() { c.r.lost(c) }
