package bench

import (
	"fmt"
	"slices"
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
	s := fmt.Sprintf("%s %s, %d connections, depth %d", c.Label(), c.Form, c.Conns, c.Depth)
	if c.Rate > 0 {
		s += fmt.Sprintf(", %s/s", FormatCount(float64(c.Rate)))
	}
	return s
}

// Label names the cell: its workload and step.
func (c *Cell) Label() string {
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
func Longest(r *Round) *float64    { return latencyOf(&r.Latency, r.Latency.Max) }
func Lag99(r *Round) *float64 {
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
