package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// Report is the outcome of a run. Its JSON form is for programs: fields that are not known are left
// out.
type Report struct {
	Server       string    `json:"server"`
	Start        time.Time `json:"start"`
	Machine      Machine   `json:"machine"`
	Workload     string    `json:"workload"`
	Poll         bool      `json:"generator_polls,omitempty"`
	Held         int       `json:"held_locks,omitempty"`
	BytesPerLock *float64  `json:"resident_bytes_per_held_lock,omitempty"`
	Cells        []*Cell   `json:"cells"`
}

// Cell is one combination of settings.
type Cell struct {
	Workload string `json:"workload"`
	Step     string `json:"step,omitempty"` // part of a workload that has several
	Form     string `json:"form"`
	Conns    int    `json:"connections"`
	Depth    int    `json:"depth"`
	Rate     int    `json:"rate,omitempty"` // of an open loop, commands per second
	Locks    int    `json:"locks,omitempty"`
	// Note says in words how this cell differs from others.
	Note   string  `json:"note,omitempty"`
	Rounds []Round `json:"rounds"`
}

// Round is one measurement of a cell.
type Round struct {
	Seconds    float64  `json:"seconds"`
	Commands   int64    `json:"commands"`
	PerSecond  float64  `json:"commands_per_second"`
	CPU        *float64 `json:"server_cpu_ns_per_command,omitempty"`
	Allocs     *float64 `json:"server_allocations_per_command,omitempty"` // objects on the heap
	ServerBusy *float64 `json:"server_cores_busy,omitempty"`
	ClientBusy float64  `json:"generator_cores_busy"`
	Latency    Latency  `json:"latency"`
	Lag        *Latency `json:"lag,omitempty"` // of sends after the schedule of an open loop
}

func newReport(l *Load, workload string) *Report {
	return &Report{Server: l.Server, Start: time.Now().UTC().Truncate(time.Second), Machine: ThisMachine(),
		Workload: workload, Poll: l.Poll, Held: l.Held}
}

// newCell begins a cell and adds it to the report.
func (r *run) newCell(form string, depth, locks int) *Cell {
	c := &Cell{Workload: r.name, Form: form, Conns: r.load.Conns, Depth: depth, Locks: locks}
	r.report.Cells = append(r.report.Cells, c)
	return c
}

func (c *Cell) title() string {
	s := fmt.Sprintf("%s %s, %d connections, depth %d", c.label(), c.Form, c.Conns, c.Depth)
	if c.Rate > 0 {
		s += fmt.Sprintf(", %s/s", FormatCount(float64(c.Rate)))
	}
	return s
}

func (c *Cell) label() string {
	if c.Step != "" {
		return c.Workload + " " + c.Step
	}
	return c.Workload
}

// Of returns the median, the least and the most of a figure over the rounds that have it; ok is
// false if none has.
func (c *Cell) Of(figure func(*Round) *float64) (mid, low, high float64, ok bool) {
	var values []float64
	for i := range c.Rounds {
		if v := figure(&c.Rounds[i]); v != nil {
			values = append(values, *v)
		}
	}
	if len(values) == 0 {
		return 0, 0, 0, false
	}
	return Median(values), slices.Min(values), slices.Max(values), true
}

// The figures of a round that tables and plots show.
func PerSecond(r *Round) *float64  { return &r.PerSecond }
func CPU(r *Round) *float64        { return r.CPU }
func Allocs(r *Round) *float64     { return r.Allocs }
func ServerBusy(r *Round) *float64 { return r.ServerBusy }
func ClientBusy(r *Round) *float64 { return &r.ClientBusy }
func P50(r *Round) *float64        { return latencyOf(&r.Latency, r.Latency.P50) }
func P99(r *Round) *float64        { return latencyOf(&r.Latency, r.Latency.P99) }
func P999(r *Round) *float64       { return latencyOf(&r.Latency, r.Latency.P999) }
func longest(r *Round) *float64    { return latencyOf(&r.Latency, r.Latency.Max) }
func lag99(r *Round) *float64 {
	if r.Lag == nil {
		return nil
	}
	return latencyOf(r.Lag, r.Lag.P99)
}

func latencyOf(l *Latency, ns int64) *float64 {
	if l.Count == 0 {
		return nil
	}
	v := float64(ns)
	return &v
}

// columns are the figures of the table, from left to right.
var columns = []struct {
	title  string
	figure func(*Round) *float64
	format func(float64) string
	spread bool // the least and the most are in a column of their own
}{
	{"ops/s", PerSecond, FormatCount, true}, {"CPU ns/op", CPU, digits3, true}, {"allocs/op", Allocs, digits2, false},
	{"p50", P50, FormatNs, false}, {"p99", P99, FormatNs, false}, {"p99.9", P999, FormatNs, false},
	{"max", longest, FormatNs, false}, {"lag p99", lag99, FormatNs, false},
	{"server", ServerBusy, digits2, false}, {"generator", ClientBusy, digits2, false},
}

const notKnown = "n/a"

// WriteTable writes the report for a person: medians of the rounds, and the spread of the figures
// that a comparison rests on.
func (r *Report) WriteTable(w io.Writer) error {
	m := r.Machine
	fmt.Fprintf(w, "%s on %s; generator: %d CPUs, %s, Linux %s, %s\n", r.Workload, r.Server, m.CPUs, m.Model, m.Kernel, m.Go)
	if r.BytesPerLock != nil {
		fmt.Fprintf(w, "%d locks held beside it: %.1f resident bytes each\n", r.Held, *r.BytesPerLock)
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "workload\tform\tconns\tdepth\trate/s\t")
	for _, column := range columns {
		fmt.Fprint(t, column.title, "\t")
		if column.spread {
			fmt.Fprint(t, "spread\t")
		}
	}
	fmt.Fprintln(t)
	for _, c := range r.Cells {
		c.writeRow(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, c := range r.Cells {
		if c.Note != "" {
			fmt.Fprintf(w, "%s: %s\n", c.label(), c.Note)
		}
	}
	_, err := fmt.Fprint(w, "\nMedians of the rounds; server and generator are cores busy. A generator near its number\n"+
		"of threads is the limit of ops/s and of latency, not of CPU ns/op.\n")
	if r.Poll && err == nil {
		_, err = fmt.Fprintln(w, "The generator polls, so it uses its cores whole, also while nothing comes.")
	}
	return err
}

func (c *Cell) writeRow(w io.Writer) {
	rate := "-"
	if c.Rate > 0 {
		rate = FormatCount(float64(c.Rate))
	}
	fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t", c.label(), c.Form, c.Conns, c.Depth, rate)
	for _, column := range columns {
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

// WriteJSON writes the report for a program.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
