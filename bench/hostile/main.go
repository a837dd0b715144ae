package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"dlm/bench"
)

// settings is what the command line says.
type settings struct {
	server, http string
	token        string
	seconds      float64
	conns        int
	size         int
	rows         []string // empty: all
	attack       string   // a row: be its hostile process; empty: be the innocent one
}

func main() {
	var s settings
	var names string
	flag.StringVar(&s.server, "server", "127.0.0.1:7420", "`ADDR` of the server")
	flag.StringVar(&s.http, "http", "", "`ADDR` of its HTTP side; empty: the row http is left out")
	flag.Float64Var(&s.seconds, "seconds", 8, "of each row")
	flag.IntVar(&s.conns, "conns", 10, "hostile connections")
	flag.IntVar(&s.size, "size", 100_000, "waiting requests, and a tenth of the held locks, of the rows that have some")
	flag.StringVar(&names, "rows", "", "`NAMES` of rows, separated by commas (default: all)")
	flag.StringVar(&s.attack, "attack", "", "be the hostile process of this `ROW` until the standard input ends")
	flag.Parse()
	if names != "" {
		s.rows = strings.Split(names, ",")
	}
	s.token = os.Getenv("DLM_TOKEN")
	if s.attack != "" {
		attackers(&s)
		return
	}
	lost, err := run(&s)
	if err != nil {
		fmt.Fprintln(os.Stderr, "hostile:", err)
		os.Exit(2)
	}
	if lost > 0 {
		os.Exit(1)
	}
}

// run measures the rows, prints the table and returns how often a lease was lost.
func run(s *settings) (lost int, err error) {
	fmt.Println("| hostile | PING p50 | p99 | most | PINGs | hostile bytes/s | leases lost |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|")
	known := 0
	for _, row := range rows() {
		if len(s.rows) > 0 && !slices.Contains(s.rows, row.name) {
			continue
		}
		known++
		if row.admin && s.token == "" || row.http && s.http == "" {
			continue
		}
		r, err := measure(s, &row)
		if err != nil {
			return lost, fmt.Errorf("%s: %w", row.name, err)
		}
		lost += r.lost
		fmt.Printf("| %s | %s | %s | %s | %d | %s | %d |\n", row.name, bench.FormatNs(float64(r.ping.P50)), bench.FormatNs(float64(r.ping.P99)),
			bench.FormatNs(float64(r.ping.Max)), r.ping.Count, bench.FormatCount(float64(r.bytes)/s.seconds), r.lost)
	}
	if known < len(s.rows) {
		return lost, fmt.Errorf("unknown rows in %v", s.rows)
	}
	return lost, nil
}

const (
	pingEvery  = 2 * time.Millisecond
	leaseMs    = 100
	beatEvery  = 30 * time.Millisecond
	answerMax  = 60 * time.Second // for one answer to the innocent client
	settleTime = 300 * time.Millisecond
)
