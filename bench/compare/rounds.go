package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"syscall"

	"dlm/bench"
)

// measure runs the rounds. In each all entrants take turns at a depth, and then at the
// next, so that little time is between those that are compared. Each turn begins with
// another one, since the first may find the machine in another state than the last.
func (f *field) measure(ctx context.Context) error {
	for round := range f.s.rounds {
		for _, depth := range f.s.load.Depths {
			for i := range f.entrants {
				e := f.entrants[(i+round)%len(f.entrants)]
				if e.serial && depth != 1 {
					continue
				}
				fmt.Fprintf(os.Stderr, "round %d of %d, depth %d: %s\n", round+1, f.s.rounds, depth, e.name)
				if err := f.once(ctx, e, depth); err != nil {
					return fmt.Errorf("%s: %w", e.name, err)
				}
			}
		}
	}
	return nil
}

// once measures one entrant at one depth. Its process is stopped in between:
// the ticks of the others would interrupt whoever is measured on their core.
func (f *field) once(ctx context.Context, e *entrant, depth int) error {
	if err := syscall.Kill(e.pid, syscall.SIGCONT); err != nil {
		return err
	}
	defer func() { _ = syscall.Kill(e.pid, syscall.SIGSTOP) }() // stop continues it
	c := f.s.load
	c.Server, c.Form, c.Floor, c.PID, c.Depths = e.addr, e.form, e.floor, e.pid, []int{depth}
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
