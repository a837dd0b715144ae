package main

import (
	"fmt"
	"io"
	"slices"

	"dlm/bench"
)

// writeMarkdown writes one table: a row for each depth and entrant.
func (f *field) writeMarkdown(w io.Writer) error {
	m := bench.ThisMachine()
	fmt.Fprintf(w, "%s, %d connections, %d locks; medians of %d interleaved rounds of %v (least to most).\n"+
		"Above floor, × floor and × dlm are medians of what they are in each round.\n",
		f.s.load.Workload, f.s.load.Conns, f.s.load.Locks, f.s.rounds, f.s.load.Duration)
	fmt.Fprintf(w, "Machine: %d × %s, Linux %s, %s; ", m.CPUs, m.Model, m.Kernel, m.Go)
	if f.pinned {
		fmt.Fprintf(w, "servers on core %d, generator on core %d", f.s.serverCore, f.s.clientCore)
		if f.s.load.Poll {
			fmt.Fprint(w, ", where it polls")
		}
		fmt.Fprint(w, ".\n\n")
	} else {
		fmt.Fprint(w, "nothing is pinned: taskset or a second core is missing.\n\n")
	}
	fmt.Fprintln(w, "| depth | server | CPU ns/command | above floor | × floor | × dlm | commands/s | p50 | p99 | cores: server, generator |")
	fmt.Fprintln(w, "|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, depth := range f.s.load.Depths {
		for _, e := range f.entrants {
			if _, ok := e.cells[depth]; ok {
				f.writeRow(w, depth, e)
			}
		}
	}
	f.writeNotes(w)
	for _, who := range f.missing {
		fmt.Fprintf(w, "\nNot measured: %s.", who)
	}
	_, err := fmt.Fprintln(w)
	return err
}

// writeNotes says below the table what it takes to read it.
func (f *field) writeNotes(w io.Writer) {
	if f.s.load.Workload == bench.Hot {
		fmt.Fprintf(w, "\nA command is here a hand-off: RELEASE, the next holder's grant, and its queueing again; %d contenders.\n",
			f.s.load.Conns)
	}
	if slices.ContainsFunc(f.entrants, func(e *entrant) bool { return e.serial }) {
		fmt.Fprint(w, "\netcd writes each command to its log, with fsync; the others keep all in memory. It is driven through its HTTP/JSON\n"+
			"gateway, which costs it something over its own gRPC, and one command at a time on a connection: only depth 1 is measured.\n")
	}
}

func (f *field) writeRow(w io.Writer, depth int, e *entrant) {
	cell := e.cells[depth]
	cpu, low, high, ok := cell.Of(bench.CPU)
	rate, rateLow, rateHigh, _ := cell.Of(bench.PerSecond)
	p50, _, _, _ := cell.Of(bench.P50)
	p99, _, _, _ := cell.Of(bench.P99)
	server, _, _, _ := cell.Of(bench.ServerBusy)
	client, _, _, _ := cell.Of(bench.ClientBusy)
	cost, above, timesFloor, timesOurs := "n/a", "n/a", "n/a", "n/a"
	if ok {
		cost = fmt.Sprintf("%.0f (%.0f to %.0f)", cpu, low, high)
		if floor := f.peer(depth, func(o *entrant) bool { return o.floor }, e.form); floor != nil {
			if more, times, ok := beside(cell, floor); ok {
				above, timesFloor = fmt.Sprintf("%.0f", more), fmt.Sprintf("%.2f", times)
			}
		}
		if ours := f.peer(depth, func(o *entrant) bool { return o.name == "dlm" }, bench.Text); ours != nil {
			if _, times, ok := beside(cell, ours); ok {
				timesOurs = fmt.Sprintf("%.2f", times)
			}
		}
	}
	fmt.Fprintf(w, "| %d | %s | %s | %s | %s | %s | %s (%s to %s) | %s | %s | %.2f, %.2f |\n", depth, e.name, cost, above,
		timesFloor, timesOurs, bench.FormatCount(rate), bench.FormatCount(rateLow), bench.FormatCount(rateHigh),
		bench.FormatNs(p50), bench.FormatNs(p99), server, client)
}

// peer is what was measured at a depth of the entrant that is meant, preferably
// of one with the same form; nil if nothing was.
func (f *field) peer(depth int, meant func(*entrant) bool, form string) (found *bench.Cell) {
	for _, e := range f.entrants {
		if cell := e.cells[depth]; cell != nil && meant(e) && (found == nil || e.form == form) {
			found = cell
		}
	}
	return found
}

// beside returns the medians over the rounds of what a command costs more than
// another in the same round, in ns, and how many times as much. The machine may
// change from one round to the next: the medians of the costs may be of different states.
func beside(cell, other *bench.Cell) (more, times float64, ok bool) {
	var differences, ratios []float64
	for i := range min(len(cell.Rounds), len(other.Rounds)) {
		if a, b := cell.Rounds[i].CPU, other.Rounds[i].CPU; a != nil && b != nil {
			differences = append(differences, *a-*b)
			ratios = append(ratios, *a / *b)
		}
	}
	if len(ratios) == 0 {
		return 0, 0, false
	}
	return middle(differences), middle(ratios), true
}
