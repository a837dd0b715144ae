package main

import (
	"fmt"
	"io"
	"slices"

	"dlm/bench"
)

// writeMarkdown writes one table: a row for each depth and server.
func (u *suite) writeMarkdown(w io.Writer) error {
	m := bench.ThisMachine()
	fmt.Fprintf(w, "%s, %d connections, %d locks; medians of %d interleaved rounds of %v (least to most).\n"+
		"Above floor, × floor and × dlm are medians of what they are in each round.\n",
		u.s.workload, u.s.load.Conns, u.s.locks, u.s.rounds, u.s.load.Duration)
	fmt.Fprintf(w, "Machine: %d × %s, Linux %s, %s; ", m.CPUs, m.Model, m.Kernel, m.Go)
	if u.pinned {
		fmt.Fprintf(w, "servers on core %d, generator on core %d", u.s.serverCore, u.s.clientCore)
		if u.s.load.Poll {
			fmt.Fprint(w, ", where it polls")
		}
		fmt.Fprint(w, ".\n\n")
	} else {
		fmt.Fprint(w, "nothing is pinned: taskset or a second core is missing.\n\n")
	}
	fmt.Fprintln(w, "| depth | server | CPU ns/command | above floor | × floor | × dlm | commands/s | p50 | p99 | cores: server, generator |")
	fmt.Fprintln(w, "|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, depth := range u.s.depths {
		for _, e := range u.servers {
			if _, ok := e.cells[depth]; ok {
				u.writeRow(w, depth, e)
			}
		}
	}
	u.writeNotes(w)
	for _, who := range u.missing {
		fmt.Fprintf(w, "\nNot measured: %s.", who)
	}
	_, err := fmt.Fprintln(w)
	return err
}

// writeNotes explains the table below it.
func (u *suite) writeNotes(w io.Writer) {
	if u.s.workload == hot {
		fmt.Fprintf(w, "\n%d owners; latency is that of hand-offs, from RELEASE to the grant of the next holder.\n",
			u.s.load.Conns)
	}
	if slices.ContainsFunc(u.servers, (*server).serial) {
		fmt.Fprint(w, "\netcd writes each command to its log, with fsync; the others keep all in memory. Its own client sends one\n"+
			"command at a time on a connection: only depth 1 is measured.\n")
	}
}

func (u *suite) writeRow(w io.Writer, depth int, e *server) {
	cell := e.cells[depth]
	cpu, low, high, ok := cell.Of(bench.CPU)
	rate, rateLow, rateHigh, _ := cell.Of(bench.PerSecond)
	p50, _, _, _ := cell.Of(bench.P50)
	p99, _, _, _ := cell.Of(bench.P99)
	busy, _, _, _ := cell.Of(bench.ServerBusy)
	client, _, _, _ := cell.Of(bench.ClientBusy)
	cost, above, timesFloor, timesOurs := "n/a", "n/a", "n/a", "n/a"
	if ok {
		cost = fmt.Sprintf("%.0f (%.0f to %.0f)", cpu, low, high)
		if floor := u.peer(depth, func(o *server) bool { return o.floor }, e.form); floor != nil {
			if more, times, ok := aboveOther(cell, floor); ok {
				above, timesFloor = fmt.Sprintf("%.0f", more), fmt.Sprintf("%.2f", times)
			}
		}
		if ours := u.peer(depth, func(o *server) bool { return o.name == "dlm" }, bench.Text); ours != nil {
			if _, times, ok := aboveOther(cell, ours); ok {
				timesOurs = fmt.Sprintf("%.2f", times)
			}
		}
	}
	fmt.Fprintf(w, "| %d | %s | %s | %s | %s | %s | %s (%s to %s) | %s | %s | %.2f, %.2f |\n", depth, e.name, cost, above,
		timesFloor, timesOurs, bench.FormatCount(rate), bench.FormatCount(rateLow), bench.FormatCount(rateHigh),
		bench.FormatNs(p50), bench.FormatNs(p99), busy, client)
}

// peer returns the cell of a server at a depth; nil: none was measured. meant chooses the server.
// If it chooses several, one that was spoken to in that form comes first.
func (u *suite) peer(depth int, meant func(*server) bool, form string) (found *bench.Cell) {
	for _, e := range u.servers {
		if cell := e.cells[depth]; cell != nil && meant(e) && (found == nil || e.form == form) {
			found = cell
		}
	}
	return found
}

// aboveOther compares the cost of a command with that of another in each round. It returns the
// medians of the differences, in ns, and of the ratios. It does not compare medians of costs,
// because the machine may change from one round to the next.
func aboveOther(cell, other *bench.Cell) (more, times float64, ok bool) {
	ratios := ratiosOf(cell, other)
	if len(ratios) == 0 {
		return 0, 0, false
	}
	var differences []float64
	eachRound(cell, other, func(a, b float64) { differences = append(differences, a-b) })
	return bench.Median(differences), bench.Median(ratios), true
}

// ratiosOf returns the cost of a command divided by that of the other, for each round.
func ratiosOf(cell, other *bench.Cell) (ratios []float64) {
	eachRound(cell, other, func(a, b float64) { ratios = append(ratios, a/b) })
	return ratios
}

// eachRound calls use with both costs of a round, in ns, where both are known.
func eachRound(cell, other *bench.Cell, use func(a, b float64)) {
	for i := range min(len(cell.Rounds), len(other.Rounds)) {
		if a, b := cell.Rounds[i].CPU, other.Rounds[i].CPU; a != nil && b != nil {
			use(*a, *b)
		}
	}
}
