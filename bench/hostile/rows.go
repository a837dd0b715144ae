package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// row is one kind of hostile traffic.
type row struct {
	name string
	// prepare is sent once on a connection of its own before the row; nil: nothing. Each line is
	// answered by one line.
	prepare func(size int) []byte
	// open is what each hostile connection sends first; nil: nothing.
	open func(conn, size int) []byte
	// batch is what each hostile connection sends again and again.
	batch func(conn, size int) []byte
	// unread: the connections never read.
	unread bool
	// http: requests go to the HTTP side, and each has a connection of its own.
	http bool
	// admin: the row needs an admin's token.
	admin bool
}

// batchCommands is how many commands of a cheap kind make a batch.
const batchCommands = 1000

func rows() []row {
	same := func(line string, n int) func(int, int) []byte {
		batch := bytes.Repeat([]byte(line), n)
		return func(int, int) []byte { return batch }
	}
	return []row{
		{name: "none", batch: nil},
		{name: "pairs", batch: func(conn, _ int) []byte {
			return bytes.Repeat(fmt.Appendf(nil, "ACQUIRE pair%d me 0\nRELEASE pair%d me\n", conn, conn), batchCommands)
		}},
		{name: "info", batch: same("INFO\n", batchCommands)},
		{name: "force", admin: true, batch: same("ACQUIRE forced me 0\nFORCE-RELEASE forced\n", batchCommands)},
		{name: "unread", unread: true, batch: same("STATUS x\n", batchCommands)},
		{name: "malformed", batch: same("aquire x me 0\n", batchCommands)},
		{name: "docs", batch: same("*2\r\n$7\r\nCOMMAND\r\n$4\r\nDOCS\r\n", 100)},
		{name: "help", batch: same("HELP\n", batchCommands)},
		{name: "locks", prepare: holdMany, batch: same("LOCKS PREFIX nothing-begins-so\n", 100)},
		{name: "status", prepare: func(int) []byte { return []byte("ACQUIRE long holder 0 TTL 60000\n") },
			open: queueOf("long"), batch: same("STATUS long\n", batchCommands)},
		{name: "tags", batch: func(conn, size int) []byte { return waits(fmt.Sprintf("tags%d", conn), size/10, 1) }},
		{name: "followers", prepare: func(int) []byte { return []byte("ACQUIRE followed first 0 TTL 60000\n") },
			batch: followers},
		{name: "behind", open: func(conn, _ int) []byte {
			return fmt.Appendf(nil, "ACQUIRE behind holder 0 TTL 60000\nACQUIRE behind waiter%d 60000\n", conn)
		}, batch: same("PING\n", 1)},
		{name: "http", http: true, batch: same("GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 1)},
	}
}

// holdMany acquires size locks for a minute.
func holdMany(size int) []byte {
	var b bytes.Buffer
	for i := range size * 10 {
		fmt.Fprintf(&b, "ACQUIRE many/%d me 0 TTL 60000\n", i)
	}
	return b.Bytes()
}

// queueOf makes a tenth of size wait for a lock, on each connection.
func queueOf(lock string) func(conn, size int) []byte {
	return func(conn, size int) []byte {
		var b bytes.Buffer
		for i := range size / 10 {
			fmt.Fprintf(&b, "@%d ACQUIRE %s w%d-%d 60000\n", i, lock, conn, i)
		}
		return b.Bytes()
	}
}

// waits is n requests that wait for ms after a holder, and a PING that is answered after them.
func waits(lock string, n, ms int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "ACQUIRE %s holder 0 TTL 60000\n", lock)
	for i := range n {
		fmt.Fprintf(&b, "@%d ACQUIRE %s w%d %d\n", i, lock, i, ms)
	}
	return b.Bytes()
}

// followers queues a tenth of size requests of one service after a holder, and lets the holder go.
func followers(conn, size int) []byte {
	lock := "followed" + strconv.Itoa(conn)
	var b strings.Builder
	fmt.Fprintf(&b, "ACQUIRE %s first 0 TTL 60000\n", lock)
	for i := range size / 10 {
		fmt.Fprintf(&b, "@%d ACQUIRE %s second 60000\n", i, lock)
	}
	fmt.Fprintf(&b, "RELEASE %s first ALL\nRELEASE %s second ALL\n", lock, lock)
	return []byte(b.String())
}
