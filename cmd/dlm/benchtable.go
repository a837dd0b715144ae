package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"dlm/bench"
)

// benchColumns are the figures of the table, from left to right.
var benchColumns = []struct {
	title  string
	figure func(*bench.Round) *float64
	format func(float64) string
	spread bool // the least and the most are in a column of their own
}{
	{"ops/s", bench.PerSecond, bench.FormatCount, true}, {"CPU ns/op", bench.CPU, bench.Digits3, true}, {"allocs/op", bench.Allocs, bench.Digits2, false},
	{"p50", bench.P50, bench.FormatNs, false}, {"p99", bench.P99, bench.FormatNs, false}, {"p99.9", bench.P999, bench.FormatNs, false},
	{"max", bench.Longest, bench.FormatNs, false}, {"lag p99", bench.Lag99, bench.FormatNs, false},
	{"server", bench.ServerBusy, bench.Digits2, false}, {"generator", bench.ClientBusy, bench.Digits2, false},
}

const notKnown = "n/a"

// writeTable writes a report for a person: medians of the rounds, and the spread of the figures
// that a comparison rests on.
func writeTable(w io.Writer, r *bench.Report) error {
	m := r.Machine
	fmt.Fprintf(w, "%s on %s; generator: %d CPUs, %s, Linux %s, %s\n", r.Workload, r.Server, m.CPUs, m.Model, m.Kernel, m.Go)
	if r.BytesPerLock != nil {
		fmt.Fprintf(w, "%d locks held beside it: %.1f resident bytes each\n", r.Held, *r.BytesPerLock)
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "workload\tform\tconns\tdepth\trate/s\t")
	for _, column := range benchColumns {
		fmt.Fprint(t, column.title, "\t")
		if column.spread {
			fmt.Fprint(t, "spread\t")
		}
	}
	fmt.Fprintln(t)
	for _, c := range r.Cells {
		writeRow(t, c)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, c := range r.Cells {
		if c.Note != "" {
			fmt.Fprintf(w, "%s: %s\n", c.Label(), c.Note)
		}
	}
	_, err := fmt.Fprint(w, "\nMedians of the rounds; server and generator are cores busy. A generator near its number\n"+
		"of threads is the limit of ops/s and of latency, not of CPU ns/op.\n")
	if r.Poll && err == nil {
		_, err = fmt.Fprintln(w, "The generator polls, so it uses its cores whole, also while nothing comes.")
	}
	return err
}

func writeRow(w io.Writer, c *bench.Cell) {
	rate := "-"
	if c.Rate > 0 {
		rate = bench.FormatCount(float64(c.Rate))
	}
	fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t", c.Label(), c.Form, c.Conns, c.Depth, rate)
	for _, column := range benchColumns {
		value, spread := notKnown, notKnown
		if mid, low, high, ok := c.Of(column.figure); ok {
			value, spread = column.format(mid), column.format(low)+"-"+column.format(high)
		}
		fmt.Fprint(w, value, "\t")
		if column.spread {
			fmt.Fprint(w, spread, "\t")
		}
	}
	fmt.Fprintln(w)
}
