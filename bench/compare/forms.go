package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"dlm/bench"
)

// form is one spelling of commands that clients send. The regression job compares two builds in
// each form; --forms compares the forms of one build with the bare one.
type form struct {
	name   string
	change func(*bench.Config)
	goal   float64 // most that a command may cost, in costs of the bare one; 0: no goal
}

// The goals of --forms. Two builds of one source differ by up to 3 %.
const (
	goalOptions = 1.25
	goalRESP    = 1.3
	goalBase    = 1.03
)

// clientTTL is the lease that commands with a TTL ask for.
const clientTTL = 20 * time.Second

// longName is the length of a name with a path in it, in bytes.
const longName = 40

// bareForm is ACQUIRE and RELEASE without options.
var bareForm = form{name: "bare", change: func(*bench.Config) {}}

// clientForms are what clients send instead of bare commands.
var clientForms = []form{
	{"TTL", func(c *bench.Config) { c.TTL = clientTTL }, goalOptions},
	{"tag", func(c *bench.Config) { c.Tags = true }, goalOptions},
	{"tag, TTL", func(c *bench.Config) { c.TTL, c.Tags = clientTTL, true }, goalOptions},
	{"40-byte names", func(c *bench.Config) { c.NameLen = longName }, goalOptions},
	{"40-byte names, tag, TTL", func(c *bench.Config) {
		c.NameLen, c.TTL, c.Tags = longName, clientTTL, true
	}, goalOptions},
	{"HEARTBEAT", func(c *bench.Config) { c.Workload = bench.Renew }, goalOptions},
	{"HEARTBEAT TOKEN", func(c *bench.Config) { c.Workload, c.Fence = bench.Renew, true }, goalOptions},
	{"HEARTBEAT tag, TOKEN, TTL", func(c *bench.Config) {
		c.Workload, c.Fence, c.TTL, c.Tags = bench.Renew, true, clientTTL, true
	}, goalOptions},
	{"RESP", func(c *bench.Config) { c.Form = bench.RESP }, goalRESP},
	{"RESP, TTL", func(c *bench.Config) { c.Form, c.TTL = bench.RESP, clientTTL }, 0},
}

// contendedForms are loads on locks that others hold: an operation is a hand-off.
var contendedForms = []form{
	{name: "contended", change: contend},
	{name: "contended, TTL, TOKEN", change: func(c *bench.Config) {
		contend(c)
		c.TTL, c.Fence = clientTTL, true
	}},
}

func contend(c *bench.Config) { c.Workload, c.Locks, c.Depths = bench.Hot, 4, []int{1} }

// compareForms measures each form against the bare one and prints the ratios. With a base it also
// measures the bare form of that commit.
func compareForms(ctx context.Context, u *suite) error {
	tree, err := u.binary(ctx, u.s.dlm, "dlm", "./cmd/dlm", "")
	if err != nil {
		return err
	}
	goals, err := u.enterForms(ctx, tree)
	if err != nil {
		return err
	}
	if u.s.base != "" {
		base, _, err := u.buildBase(ctx)
		if err != nil {
			return err
		}
		if err := u.enterDLM(ctx, "bare, base", base, bench.Text); err != nil {
			return err
		}
	}
	if err := u.measure(ctx); err != nil {
		return err
	}
	if err := u.writeJSON(); err != nil {
		return err
	}
	return u.writeForms(os.Stdout, goals)
}

// enterForms starts one server and enters it once for each form. It returns the goals by name.
func (u *suite) enterForms(ctx context.Context, tree string) (map[string]float64, error) {
	if err := u.enterDLM(ctx, bareForm.name, tree, bench.Text); err != nil {
		return nil, err
	}
	goals := map[string]float64{}
	for _, f := range clientForms {
		same := *u.servers[0] // the same process
		same.name, same.change, same.cells = f.name, f.change, map[int]*bench.Cell{}
		u.servers = append(u.servers, &same)
		goals[f.name] = f.goal
	}
	return goals, nil
}

// writeForms writes a row for each depth and form: the cost of a command, and its ratio to the
// bare command of the same round.
func (u *suite) writeForms(w io.Writer, goals map[string]float64) error {
	m := bench.ThisMachine()
	fmt.Fprintf(w, "%d connections, %d locks; medians of %d interleaved rounds of %v (least to most).\n"+
		"Machine: %d × %s, Linux %s, %s.\n\n", u.s.load.Conns, u.s.load.Locks, u.s.rounds, u.s.load.Duration,
		m.CPUs, m.Model, m.Kernel, m.Go)
	fmt.Fprintln(w, "| depth | form | CPU ns/command | × bare | goal | allocations | |")
	fmt.Fprintln(w, "|--:|---|--:|--:|--:|--:|---|")
	for _, depth := range u.s.load.Depths {
		bare := u.servers[0].cells[depth]
		for _, e := range u.servers {
			if err := writeForm(w, depth, e, bare, goals[e.name]); err != nil {
				return err
			}
		}
		if base := u.servers[len(u.servers)-1]; u.s.base != "" {
			// The tree against the base, so that the ratio is read as the others are.
			row := &server{name: "bare, tree / base", cells: u.servers[0].cells}
			if err := writeForm(w, depth, row, base.cells[depth], goalBase); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeForm(w io.Writer, depth int, e *server, bare *bench.Cell, goal float64) error {
	cell := e.cells[depth]
	ns, low, high, ok := cell.Of(bench.CPU)
	ratios := ratiosOf(cell, bare)
	if !ok || len(ratios) == 0 {
		return errors.New("the CPU time of a server could not be read")
	}
	allocations, _, _, _ := cell.Of(bench.Allocs)
	limit, word := "", ""
	if ratio := middle(ratios); goal > 0 {
		limit, word = fmt.Sprintf("%.2f", goal), "ok"
		if ratio > goal {
			word = "ABOVE"
		}
	}
	least, most := extremes(ratios)
	_, err := fmt.Fprintf(w, "| %d | %s | %.0f (%.0f to %.0f) | %.3f (%.2f to %.2f) | %s | %.2f | %s |\n", depth, e.name,
		ns, low, high, middle(ratios), least, most, limit, allocations, word)
	return err
}
