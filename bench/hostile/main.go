// Command hostile measures what costly or malicious clients do to an innocent one. For each row of
// its table ten connections send something in pipelines, while one connection sends a PING every
// few milliseconds and another keeps a lease of 100 ms with a heartbeat every 30 ms:
//
//	hostile --server 127.0.0.1:7420 [--http 127.0.0.1:7421] [--seconds 8] [--rows info,unread]
//
// The table has the innocent client's round trips, and how often its lease was lost. DLM_TOKEN is
// an admin's token, for the row that forces releases; without it that row is left out. A lost lease
// makes the exit code 1, because a server must never let one end whose heartbeats arrive in time.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"dlm/bench"
)

// settings is what the command line says.
type settings struct {
	server, http, token string
	seconds             float64
	conns, size         int
	rows                []string // empty: all
	attack              string   // a row: be its hostile process; empty: be the innocent one
}

func main() {
	s := settings{token: os.Getenv("DLM_TOKEN")}
	flag.StringVar(&s.server, "server", "127.0.0.1:7420", "`ADDR` of the server")
	flag.StringVar(&s.http, "http", "", "`ADDR` of its HTTP side; empty: the row http is left out")
	flag.Float64Var(&s.seconds, "seconds", 8, "of each row")
	flag.IntVar(&s.conns, "conns", 10, "hostile connections")
	flag.IntVar(&s.size, "size", 100_000, "waiting requests, and a tenth of the held locks, of the rows that have some")
	names := flag.String("rows", "", "`NAMES` of rows, separated by commas (default: all)")
	flag.StringVar(&s.attack, "attack", "", "be the hostile process of this `ROW` until the standard input ends")
	flag.Parse()
	if *names != "" {
		s.rows = strings.Split(*names, ",")
	}
	if s.attack != "" {
		attackers(&s)
		return
	}
	lost, err := run(&s)
	if err != nil {
		fmt.Fprintln(os.Stderr, "hostile:", err)
		os.Exit(2)
	}
	os.Exit(min(lost, 1))
}

// run measures the rows, prints the table and returns how often a lease was lost.
func run(s *settings) (lost int, err error) {
	all := rows()
	for _, name := range s.rows {
		if !slices.ContainsFunc(all, func(w row) bool { return w.name == name }) {
			return 0, fmt.Errorf("--rows: there is no row %q", name)
		}
	}
	fmt.Println("| hostile | PING p50 | p99 | most | PINGs | leases lost |")
	fmt.Println("|---|--:|--:|--:|--:|--:|")
	for _, w := range all {
		if len(s.rows) > 0 && !slices.Contains(s.rows, w.name) || w.admin && s.token == "" || w.http && s.http == "" {
			continue
		}
		r, err := measure(s, &w)
		if err != nil {
			return lost, fmt.Errorf("%s: %w", w.name, err)
		}
		lost += r.lost
		fmt.Printf("| %s | %s | %s | %s | %d | %d |\n", w.name, bench.FormatNs(float64(r.ping.P50)),
			bench.FormatNs(float64(r.ping.P99)), bench.FormatNs(float64(r.ping.Max)), r.ping.Count, r.lost)
	}
	return lost, nil
}
