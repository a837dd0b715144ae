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

// measure runs the rounds. In each all servers take turns at a depth, and then at the
// next, so that little time is between those that are compared. Each turn begins with
// another one, since the first may find the machine in another state than the last.
func (u *suite) measure(ctx context.Context) error {
	for round := range u.s.rounds {
		for _, depth := range u.s.depths {
			for i := range u.servers {
				e := u.servers[(i+round)%len(u.servers)]
				if e.serial() && depth != 1 {
					continue
				}
				fmt.Fprintf(os.Stderr, "round %d of %d, depth %d: %s\n", round+1, u.s.rounds, depth, e.name)
				if err := u.once(ctx, e, depth); err != nil {
					return fmt.Errorf("%s: %w", e.name, err)
				}
			}
		}
	}
	return nil
}

// once measures one server at one depth. Its process is stopped in between:
// the ticks of the others would interrupt whoever is measured on their core.
func (u *suite) once(ctx context.Context, e *server, depth int) error {
	if err := syscall.Kill(e.pid, syscall.SIGCONT); err != nil {
		return err
	}
	defer func() { _ = syscall.Kill(e.pid, syscall.SIGSTOP) }() // stop continues it
	load := u.s.load
	load.Server, load.PID = e.addr, e.pid
	if e.serial() {
		cell, err := e.driver.measure(ctx, load, u.s.workload, u.s.locks)
		if err != nil {
			return err
		}
		e.add(cell)
		return nil
	}
	f := u.given
	if e.use != nil {
		f = e.use
	}
	if f.nameLen > 0 {
		load.NameLen = f.nameLen
	}
	if e.driver != nil {
		load.Protocol = e.driver.protocol
	} else if e.floor {
		load.Protocol = bench.FloorProtocol(e.form)
	}
	w := f.workload(e.form, depth, u.s.locks)
	report, err := bench.Run(ctx, load, w)
	if err != nil {
		return err
	}
	for _, cell := range report.Cells {
		if cell.Workload == w.Name() { // else the PING beside a hand-off
			e.add(cell)
		}
	}
	return nil
}

// add adds the rounds of a cell to those of the same depth.
func (e *server) add(cell *bench.Cell) {
	if all, ok := e.cells[cell.Depth]; ok {
		all.Rounds = append(all.Rounds, cell.Rounds...)
	} else {
		e.cells[cell.Depth] = cell
	}
}

// outcome is the JSON form of a comparison.
type outcome struct {
	Machine bench.Machine            `json:"machine"`
	Missing []string                 `json:"missing"`
	Cells   map[string][]*bench.Cell `json:"cells"` // by server, in the order of depths
}

func (u *suite) writeJSON() error {
	if u.s.jsonFile == "" {
		return nil
	}
	o := outcome{Machine: bench.ThisMachine(), Missing: u.missing, Cells: map[string][]*bench.Cell{}}
	for _, e := range u.servers {
		for _, depth := range u.s.depths {
			if cell, ok := e.cells[depth]; ok {
				o.Cells[e.name] = append(o.Cells[e.name], cell)
			}
		}
	}
	return writeFile(u.s.jsonFile, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(o)
	})
}
