// Command hostile measures what costly or malicious clients do to an innocent one:
//
//	go run ./bench/hostile                      every row: six minutes
//	go run ./bench/hostile --rows conns,tls     some of them
//	go run ./bench/hostile --viewers            ten million locks, with and without viewers
//
// It builds the server, starts one for each row on a core of its own, and is on another core with
// the hostile process. A row takes turns: some time without the hostile clients, then as long with
// them. Meanwhile one connection sends a PING every 2 ms, another keeps a lease of 100 ms with a
// heartbeat every 30 ms, and a newcomer connects every 10 ms, to the port that is attacked.
//
// The table has medians over the rounds, and of the ratios within a round. A lost lease makes the
// exit code 1, because a server must never let one end whose heartbeats arrive in time.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// settings is what the command line says.
type settings struct {
	dlm                    string // binary; empty: built from this tree
	slice                  time.Duration
	rounds                 int
	conns, size            int
	rows                   []string // empty: all
	serverCore, clientCore int

	viewers bool // measure viewers instead of hostile clients
	locks   int  // held beside viewers

	attack    string // a row: be its hostile process; empty: be the innocent one
	addresses        // of the server, for the hostile process
}

func main() {
	s := settings{}
	flag.StringVar(&s.dlm, "dlm", "", "`BINARY` of the server (default: built from this tree)")
	flag.DurationVar(&s.slice, "slice", 800*time.Millisecond, "of a round without the hostile clients, and with them; ten times that with --viewers")
	flag.IntVar(&s.rounds, "rounds", 5, "of each row")
	flag.IntVar(&s.conns, "conns", 10, "hostile connections of the rows that do not say how many")
	flag.IntVar(&s.size, "size", 100_000, "waiting requests, and a tenth of the held locks, of the rows that have some")
	flag.IntVar(&s.serverCore, "server-core", 0, "core of the server")
	flag.IntVar(&s.clientCore, "client-core", 1, "core of the clients")
	names := flag.String("rows", "", "`NAMES` of rows, separated by commas (default: all)")
	flag.BoolVar(&s.viewers, "viewers", false, "measure lock commands with and without 16 viewers and a scrape a second")
	flag.IntVar(&s.locks, "locks", 10_000_000, "locks that are held beside the viewers")
	flag.StringVar(&s.attack, "attack", "", "be the hostile process of this `ROW` until the standard input ends")
	flag.StringVar(&s.lock, "server", "", "`ADDR` that the hostile process attacks")
	flag.StringVar(&s.http, "http", "", "`ADDR` of the HTTP side, for it")
	flag.StringVar(&s.tls, "tls", "", "`ADDR` of the lock port over TLS, for it")
	flag.Parse()
	if *names != "" {
		s.rows = strings.Split(*names, ",")
	}
	if s.attack != "" {
		s.token = os.Getenv(tokenVar)
		attackers(&s)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	lost, err := run(ctx, &s)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "hostile:", err)
		os.Exit(2)
	}
	os.Exit(min(lost, 1))
}

// run measures, prints the table and returns how often a lease was lost.
func run(ctx context.Context, s *settings) (lost int, err error) {
	all := rows()
	for _, name := range s.rows {
		if !slices.ContainsFunc(all, func(w row) bool { return w.name == name }) {
			return 0, fmt.Errorf("--rows: there is no row %q", name)
		}
	}
	if err := pinSelf(s.clientCore); err != nil {
		return 0, err
	}
	h, err := newHost(ctx, s)
	if err != nil {
		return 0, err
	}
	defer h.close()
	if s.viewers {
		return 0, measureViewers(ctx, h)
	}
	printHead()
	for i := range all {
		w := &all[i]
		if len(s.rows) > 0 && !slices.Contains(s.rows, w.name) {
			continue
		}
		r, err := measure(ctx, h, w)
		if err != nil {
			return lost, fmt.Errorf("%s: %w", w.name, err)
		}
		lost += r.lost
		r.print(w.name)
	}
	return lost, nil
}
