package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"text/tabwriter"
	"time"
)

// Report is the outcome of a run. Its JSON form is for programs: fields that
// are not known are left out.
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

// Machine is where the generator ran.
type Machine struct {
	CPUs   int    `json:"cpus"`
	Model  string `json:"model,omitempty"`
	Kernel string `json:"kernel,omitempty"`
	Go     string `json:"go"`
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
	// Note says what stands out in this cell, in words.
	Note     string  `json:"note,omitempty"`
	Resident *int64  `json:"resident_bytes,omitempty"` // after the last round
	GCCycles *int64  `json:"gc_cycles,omitempty"`      // of the server since the cell began
	Rounds   []Round `json:"rounds"`

	gcBefore int64
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

func newReport(c *Config) *Report {
	return &Report{Server: c.Server, Start: time.Now().UTC().Truncate(time.Second), Machine: ThisMachine(),
		Workload: c.Workload, Poll: c.Poll, Held: c.Held}
}

func (r *Report) add(c *Cell) { r.Cells = append(r.Cells, c) }

// newCell begins a cell. Collections are counted from here on.
func (r *run) newCell(depth, rate int) *Cell {
	c := &Cell{Workload: r.c.kind(), Form: r.c.Protocol.Name, Conns: r.c.Conns, Depth: depth, Rate: rate,
		Locks: r.c.Locks, gcBefore: -1}
	if c.Workload == Ping {
		c.Locks = 0
	}
	if u, err := r.t.usage(); err == nil {
		c.gcBefore = u.gcCycles
	}
	return c
}

func (c *Cell) takeUsage(u usage) {
	if u.resident >= 0 {
		c.Resident = &u.resident
	}
	if u.gcCycles >= 0 && c.gcBefore >= 0 {
		cycles := u.gcCycles - c.gcBefore
		c.GCCycles = &cycles
	}
}

func (c *Cell) title() string {
	s := c.Workload
	if c.Step != "" {
		s += " " + c.Step
	}
	s = fmt.Sprintf("%s %s, %d connections, depth %d", s, c.Form, c.Conns, c.Depth)
	if c.Rate > 0 {
		s += fmt.Sprintf(", %s/s", FormatCount(float64(c.Rate)))
	}
	return s
}

// Of returns the median, the least and the most of a figure over the rounds
// that have it; ok is false if none has.
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
	low, high = values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	return median(values), low, high, true
}

// The figures of a round that tables and plots show.
func PerSecond(r *Round) *float64  { return &r.PerSecond }
func CPU(r *Round) *float64        { return r.CPU }
func Allocs(r *Round) *float64     { return r.Allocs }
func ServerBusy(r *Round) *float64 { return r.ServerBusy }
func ClientBusy(r *Round) *float64 { return &r.ClientBusy }
func P50(r *Round) *float64        { return latencyOf(r, r.Latency.P50) }
func P99(r *Round) *float64        { return latencyOf(r, r.Latency.P99) }
func P999(r *Round) *float64       { return latencyOf(r, r.Latency.P999) }
func maximum(r *Round) *float64    { return latencyOf(r, r.Latency.Max) }
func lag99(r *Round) *float64 {
	if r.Lag == nil {
		return nil
	}
	return latencyOf(r, r.Lag.P99)
}

func latencyOf(r *Round, ns int64) *float64 {
	if r.Latency.Count == 0 {
		return nil
	}
	v := float64(ns)
	return &v
}

// WriteTable writes the report for a person: medians of the rounds, and the
// spread of those figures that a comparison rests on.
func (r *Report) WriteTable(w io.Writer) error {
	m := r.Machine
	fmt.Fprintf(w, "%s on %s; generator: %d CPUs, %s, Linux %s, %s\n", r.Workload, r.Server, m.CPUs, m.Model, m.Kernel, m.Go)
	if r.BytesPerLock != nil {
		fmt.Fprintf(w, "%d locks held beside it: %.1f resident bytes each\n", r.Held, *r.BytesPerLock)
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "workload\tform\tconns\tdepth\trate/s\tops/s\tspread\tCPU ns/op\tspread\tallocs/op\tp50\tp99\tp99.9\tmax\tlag p99\tserver\tgenerator\tRSS\tGC\t")
	for _, c := range r.Cells {
		c.writeRow(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, c := range r.Cells {
		if c.Note != "" {
			fmt.Fprintf(w, "%s %s: %s\n", c.Workload, c.Step, c.Note)
		}
	}
	_, err := fmt.Fprint(w, "\nMedians of the rounds; server and generator are cores busy. A generator near its number\n"+
		"of threads is the limit of ops/s and of latency, not of CPU ns/op.\n")
	if r.Poll && err == nil {
		_, err = fmt.Fprintln(w, "The generator polls: what it did not use of its cores went by in vain.")
	}
	return err
}

const notKnown = "n/a"

func (c *Cell) writeRow(w io.Writer) {
	rate, name := "-", c.Workload
	if c.Rate > 0 {
		rate = FormatCount(float64(c.Rate))
	}
	if c.Step != "" {
		name += " " + c.Step
	}
	ops, opsSpread := c.middle(PerSecond, FormatCount)
	cpuNs, cpuSpread := c.middle(CPU, formatCPU)
	one := func(figure func(*Round) *float64, format func(float64) string) string {
		s, _ := c.middle(figure, format)
		return s
	}
	rss, gc := notKnown, notKnown
	if c.Resident != nil {
		rss = formatBytes(*c.Resident)
	}
	if c.GCCycles != nil {
		gc = strconv.FormatInt(*c.GCCycles, 10)
	}
	fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n",
		name, c.Form, c.Conns, c.Depth, rate, ops, opsSpread, cpuNs, cpuSpread, one(Allocs, formatShare),
		one(P50, FormatNs), one(P99, FormatNs), one(P999, FormatNs), one(maximum, FormatNs), one(lag99, FormatNs),
		one(ServerBusy, formatShare), one(ClientBusy, formatShare), rss, gc)
}

// middle is the median of a figure and its spread, ready to print.
func (c *Cell) middle(figure func(*Round) *float64, format func(float64) string) (mid, spread string) {
	m, low, high, ok := c.Of(figure)
	if !ok {
		return notKnown, notKnown
	}
	return format(m), format(low) + "-" + format(high)
}

// WriteJSON writes the report for a program.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// ThisMachine describes the machine that this process runs on.
func ThisMachine() Machine {
	return Machine{CPUs: cpuCount(), Model: cpuModel(), Kernel: kernelRelease(), Go: runtime.Version()}
}
