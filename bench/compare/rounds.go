package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"

	"dlm/bench"
)

// measure runs the rounds. Each begins with another entrant, since the first
// of a round may find the machine in another state than the last.
func (f *field) measure(ctx context.Context) error {
	for round := range f.s.rounds {
		for i := range f.entrants {
			e := f.entrants[(i+round)%len(f.entrants)]
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", round+1, f.s.rounds, e.name)
			if err := f.once(ctx, e); err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
		}
	}
	return nil
}

// once measures one entrant at all depths. Its process is stopped in between:
// the ticks of the others would interrupt whoever is measured on their core.
func (f *field) once(ctx context.Context, e *entrant) error {
	if err := syscall.Kill(e.pid, syscall.SIGCONT); err != nil {
		return err
	}
	defer func() { _ = syscall.Kill(e.pid, syscall.SIGSTOP) }() // stop continues it
	c := f.s.load
	c.Server, c.Form, c.Floor, c.PID = e.addr, e.form, e.floor, e.pid
	if e.serial {
		c.Depths = slices.DeleteFunc(slices.Clone(c.Depths), func(depth int) bool { return depth != 1 })
		if len(c.Depths) == 0 {
			return nil
		}
	}
	report, err := bench.Run(ctx, c)
	if err != nil {
		return err
	}
	for _, cell := range report.Cells {
		if cell.Workload != c.Workload {
			continue // the PING beside a hand-off
		}
		if all, ok := e.cells[cell.Depth]; ok {
			all.Rounds = append(all.Rounds, cell.Rounds...)
		} else {
			e.cells[cell.Depth] = cell
		}
	}
	return nil
}

// outcome is the JSON form of a comparison.
type outcome struct {
	Machine bench.Machine            `json:"machine"`
	Missing []string                 `json:"missing"`
	Cells   map[string][]*bench.Cell `json:"cells"` // by entrant, in the order of depths
}

func (f *field) writeJSON() error {
	if f.s.jsonFile == "" {
		return nil
	}
	o := outcome{Machine: bench.ThisMachine(), Missing: f.missing, Cells: map[string][]*bench.Cell{}}
	for _, e := range f.entrants {
		for _, depth := range f.s.load.Depths {
			if cell, ok := e.cells[depth]; ok {
				o.Cells[e.name] = append(o.Cells[e.name], cell)
			}
		}
	}
	return writeFile(f.s.jsonFile, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(o)
	})
}

// writeMarkdown writes one table: a row for each depth and entrant.
func (f *field) writeMarkdown(w io.Writer) error {
	m := bench.ThisMachine()
	fmt.Fprintf(w, "%s, %d connections, %d locks; medians of %d interleaved rounds of %v (least to most).\n",
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
		if floor, ok := f.cpuOf(depth, func(o *entrant) bool { return o.floor }, e.form); ok {
			above, timesFloor = fmt.Sprintf("%.0f", cpu-floor), fmt.Sprintf("%.2f", cpu/floor)
		}
		if ours, ok := f.cpuOf(depth, func(o *entrant) bool { return o.name == "dlm" }, bench.Text); ok {
			timesOurs = fmt.Sprintf("%.2f", cpu/ours)
		}
	}
	fmt.Fprintf(w, "| %d | %s | %s | %s | %s | %s | %s (%s to %s) | %s | %s | %.2f, %.2f |\n", depth, e.name, cost, above,
		timesFloor, timesOurs, bench.FormatCount(rate), bench.FormatCount(rateLow), bench.FormatCount(rateHigh),
		bench.FormatNs(p50), bench.FormatNs(p99), server, client)
}

// cpuOf is the median cost at a depth of the entrant that is meant, preferably
// of one with the same form.
func (f *field) cpuOf(depth int, meant func(*entrant) bool, form string) (ns float64, ok bool) {
	for _, e := range f.entrants {
		if cell := e.cells[depth]; cell != nil && meant(e) && (!ok || e.form == form) {
			ns, _, _, ok = cell.Of(bench.CPU)
		}
	}
	return ns, ok
}
