package main

import (
	"bytes"
	"fmt"
	"time"
)

// row is one kind of hostile traffic.
type row struct {
	name string
	// prepare is sent once on a connection of its own before the row; nil: nothing. Each line is
	// answered by one line.
	prepare func(size int) []byte
	// open is sent first on each hostile connection; nil: nothing.
	open func(conn, size int) []byte
	// batch is sent again and again; nil: nothing. A row without both has no hostile connection.
	batch    func(conn, size int) []byte
	every    time.Duration // between two batches
	leaves   time.Duration // from open to the end of the connection; 0: never, if there is no batch
	lasts    time.Duration // of a round; 0: as the command line says
	to       port
	conns    int  // hostile connections; 0: as many as the command line says
	stranger bool // the connections do not authenticate, and come from other addresses
	unread   bool // the connections never read
	stalled  bool // nobody reads the server's log
}

func (w *row) connections(s *settings) int {
	if w.conns > 0 {
		return w.conns
	}
	return s.conns
}

// batchCommands is how many commands of a cheap kind make a batch.
const batchCommands = 1000

func rows() []row {
	same := func(line string, n int) func(int, int) []byte {
		batch := bytes.Repeat([]byte(line), n)
		return func(int, int) []byte { return batch }
	}
	hold := func(lock, owner string) func(int) []byte {
		return func(int) []byte { return fmt.Appendf(nil, "ACQUIRE %s %s 0 TTL 60000\n", lock, owner) }
	}
	return []row{
		{name: "none"},
		{name: "pairs", batch: func(conn, _ int) []byte {
			return bytes.Repeat(fmt.Appendf(nil, "ACQUIRE pair%d me 0\nRELEASE pair%d me\n", conn, conn), batchCommands)
		}},
		{name: "info", batch: same("INFO\n", batchCommands)},
		{name: "force", batch: same(force, batchCommands)},
		{name: "unread", unread: true, batch: same("STATUS x\n", batchCommands)},
		{name: "malformed", batch: same("aquire x me 0\n", batchCommands)},
		{name: "docs", batch: same("*2\r\n$7\r\nCOMMAND\r\n$4\r\nDOCS\r\n", 100)},
		{name: "help", batch: same("HELP\n", batchCommands)},
		{name: "locks", prepare: holdMany, batch: same("LOCKS PREFIX nothing-begins-so\n", 100)},
		{name: "status", prepare: hold("long", "holder"), batch: same("STATUS long\n", batchCommands),
			open: func(conn, size int) []byte { return queue(nil, "long", fmt.Sprintf("w%d-%%d", conn), size/10, 60_000) }},
		{name: "tags", batch: func(conn, size int) []byte {
			lock := fmt.Sprintf("tags%d", conn)
			return queue(hold(lock, "holder")(size), lock, "w%d", size/10, 1)
		}},
		{name: "followers", prepare: hold("followed", "first"), batch: followers},
		{name: "behind", open: func(conn, _ int) []byte {
			return fmt.Appendf(nil, "ACQUIRE behind holder 0 TTL 60000\nACQUIRE behind waiter%d 60000\n", conn)
		}, batch: same("PING\n", 1)},
		{name: "http", to: httpPort, stranger: true, batch: same(livez, 1)},
		// The rest are strangers, of whom the design says that the p99 stays within 2 times.
		{name: "stderr", stalled: true, batch: same(force, 10), every: 20 * time.Millisecond},
		// The server ends them after 5 s, in turn, and they come again.
		{name: "unauthenticated", conns: 10_000, stranger: true, open: same("", 1), lasts: 14 * time.Second},
		{name: "wrong tokens", conns: 64, stranger: true, open: same("AUTH wrong\n", 3), leaves: 10 * time.Millisecond},
		{name: "idle http", conns: 64, to: httpPort, stranger: true, open: same("", 1)},
		{name: "slow tls", conns: 64, to: tlsPort, stranger: true, open: same("\x16\x03\x01\x02\x00", 1), batch: same("\x01", 1), every: 100 * time.Millisecond},
	}
}

const (
	force = "ACQUIRE forced me 0\nFORCE-RELEASE forced\n"
	livez = "GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
)

// holdMany acquires ten locks for each of size, for a minute.
func holdMany(size int) (b []byte) {
	for i := range size * 10 {
		b = fmt.Appendf(b, "ACQUIRE many/%d me 0 TTL 60000\n", i)
	}
	return b
}

// queue appends n requests with tags that wait for ms. The owner has a place for their number.
func queue(b []byte, lock, owner string, n, ms int) []byte {
	for i := range n {
		b = fmt.Appendf(b, "@%d ACQUIRE %s "+owner+" %d\n", i, lock, i, ms)
	}
	return b
}

// followers queues a tenth of size requests of one service after a holder, and lets the holder go.
func followers(conn, size int) []byte {
	lock := fmt.Sprintf("followed%d", conn)
	b := fmt.Appendf(nil, "ACQUIRE %s first 0 TTL 60000\n", lock)
	for i := range size / 10 {
		b = fmt.Appendf(b, "@%d ACQUIRE %s second 60000\n", i, lock)
	}
	return fmt.Appendf(b, "RELEASE %s first ALL\nRELEASE %s second ALL\n", lock, lock)
}
