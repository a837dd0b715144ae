package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"dlm/bench"
)

// form is a workload in one spelling. The regression job compares two builds in each form; --forms
// compares the forms of one build with each other.
type form struct {
	name     string
	against  string  // the form of the same commands that it is compared with; empty: none
	goal     float64 // most that a command may cost, in costs of that form; 0: no goal
	nameLen  int     // bytes of lock names; 0: the default
	workload func(proto string, depth, locks int) bench.Workload
}

// The workloads of the command line.
const (
	pair  = "pair"
	renew = "renew"
	ping  = "ping"
	hot   = "hot"
)

// formOf returns the form of a workload of the command line, nil if there is none of that name.
func formOf(workload string) *form {
	w, ok := map[string]func(proto string, depth, locks int) bench.Workload{
		pair:  pairs("", bench.Options{}),
		renew: renews(bench.Options{}, false),
		ping: func(proto string, depth, _ int) bench.Workload {
			return &bench.Ping{Paced: bench.Paced{Stream: stream(proto, depth)}}
		},
		hot: func(proto string, _, locks int) bench.Workload { return &bench.Hot{Form: proto, Locks: locks} },
	}[workload]
	if !ok {
		return nil
	}
	return &form{name: workload, workload: w}
}

func stream(proto string, depth int) bench.Stream {
	return bench.Stream{Form: proto, Depths: []int{depth}}
}

// pairs returns the workload pair in a form, or in that of the server if it is empty.
func pairs(own string, o bench.Options) func(string, int, int) bench.Workload {
	return func(proto string, depth, locks int) bench.Workload {
		if own != "" {
			proto = own
		}
		return &bench.Pair{Paced: bench.Paced{Stream: stream(proto, depth)}, Options: o, Locks: locks}
	}
}

func renews(o bench.Options, fence bool) func(string, int, int) bench.Workload {
	return func(proto string, depth, locks int) bench.Workload {
		return &bench.Renew{Paced: bench.Paced{Stream: stream(proto, depth)}, Options: o, Locks: locks, Fence: fence}
	}
}

func cycles(proto string, o bench.Options, fence bool) func(string, int, int) bench.Workload {
	return func(_ string, depth, locks int) bench.Workload {
		return &bench.Cycle{Stream: stream(proto, depth), Options: o, Locks: locks, Fence: fence}
	}
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

// bare has the name of the form that the costs of all are shown as multiples of.
const bare = "bare"

// The options that clients send.
var (
	ttlOnly   = bench.Options{TTL: clientTTL}
	tagOnly   = bench.Options{Tags: true}
	tagAndTTL = bench.Options{TTL: clientTTL, Tags: true}
	noOptions = bench.Options{}
)

// clientForms are the commands that clients send. Each is compared with a form of the same commands
// about the same locks: a HEARTBEAT draws its lock, while a RELEASE finds its lock in the cache. A
// reply in RESP has the fields that a reply in text has after DETAIL ON.
var clientForms = []form{
	{name: bare, workload: pairs("", noOptions)},
	{name: "TTL", against: bare, goal: goalOptions, workload: pairs("", ttlOnly)},
	{name: "tag", against: bare, goal: goalOptions, workload: pairs("", tagOnly)},
	{name: "tag, TTL", against: bare, goal: goalOptions, workload: pairs("", tagAndTTL)},
	{name: "40-byte names", against: bare, goal: goalOptions, nameLen: longName, workload: pairs("", noOptions)},
	{name: "40-byte names, tag, TTL", against: bare, goal: goalOptions, nameLen: longName, workload: pairs("", tagAndTTL)},
	{name: "DETAIL ON", against: bare, workload: pairs(bench.Detail, noOptions)},
	{name: "RESP", against: "DETAIL ON", goal: goalRESP, workload: pairs(bench.RESP, noOptions)},
	{name: "RESP, TTL", against: "DETAIL ON", workload: pairs(bench.RESP, ttlOnly)},
	{name: "HEARTBEAT", workload: renews(noOptions, false)},
	{name: "HEARTBEAT TOKEN", against: "HEARTBEAT", goal: goalOptions, workload: renews(noOptions, true)},
	{name: "HEARTBEAT tag, TOKEN, TTL", against: "HEARTBEAT", goal: goalOptions, workload: renews(tagAndTTL, true)},
	{name: "cycle", workload: cycles(bench.Detail, noOptions, false)},
	{name: "cycle TOKEN", against: "cycle", goal: goalOptions, workload: cycles(bench.Detail, noOptions, true)},
	{name: "cycle TOKEN, TTL, tag", against: "cycle", goal: goalOptions, workload: cycles(bench.Detail, tagAndTTL, true)},
	{name: "cycle RESP, TOKEN, TTL", against: "cycle", goal: goalRESP, workload: cycles(bench.RESP, ttlOnly, true)},
}

// contendedForms are loads on locks that others hold.
var contendedForms = []form{
	{name: "contended", workload: hots(0, false)},
	{name: "contended, TTL, TOKEN", workload: hots(clientTTL, true)},
}

// contendedLocks is for how many locks all connections wait.
const contendedLocks = 4

func hots(ttl time.Duration, fence bool) func(string, int, int) bench.Workload {
	return func(proto string, _, _ int) bench.Workload {
		return &bench.Hot{Form: proto, Locks: contendedLocks, TTL: ttl, Fence: fence}
	}
}

// compareForms measures all forms in turns and prints the ratios. With a base it also measures the
// bare form of that commit.
func compareForms(ctx context.Context, u *suite) error {
	tree, err := u.binary(ctx, u.s.dlm, "dlm", "./cmd/dlm", "")
	if err != nil {
		return err
	}
	if err := u.enterForms(ctx, tree); err != nil {
		return err
	}
	if u.s.base != "" {
		base, _, err := u.buildBase(ctx)
		if err != nil {
			return err
		}
		if err := u.enterDLM(ctx, bareBase, base, bench.Text); err != nil {
			return err
		}
	}
	if err := u.measure(ctx); err != nil {
		return err
	}
	if err := u.writeJSON(); err != nil {
		return err
	}
	return u.writeForms(os.Stdout)
}

// bareBase names the bare form of the base.
const bareBase = "bare, base"

// enterForms starts one server and enters it once for each form.
func (u *suite) enterForms(ctx context.Context, tree string) error {
	if err := u.enterDLM(ctx, bare, tree, bench.Text); err != nil {
		return err
	}
	process := *u.servers[0]
	u.servers = nil
	for i := range clientForms {
		same := process
		same.name, same.use, same.cells = clientForms[i].name, &clientForms[i], map[int]*bench.Cell{}
		u.servers = append(u.servers, &same)
	}
	return nil
}

// writeForms writes a row for each depth and form: the cost of a command, and its ratio to the bare
// command and to the form that it is compared with, of the same round.
func (u *suite) writeForms(w io.Writer) error {
	m := bench.ThisMachine()
	fmt.Fprintf(w, "%d connections, %d locks; medians of %d interleaved rounds of %v (least to most).\n"+
		"Machine: %d × %s, Linux %s, %s.\n", u.s.load.Conns, u.s.locks, u.s.rounds, u.s.load.Duration,
		m.CPUs, m.Model, m.Kernel, m.Go)
	fmt.Fprintln(w, "The ratio is the median of the rounds, and in the next column of the least cost of all rounds.")
	fmt.Fprintln(w, "\n| depth | form | CPU ns/command | × bare | against | ratio | of least | goal | allocations | |")
	fmt.Fprintln(w, "|--:|---|--:|--:|---|--:|--:|--:|--:|---|")
	for _, depth := range u.s.depths {
		for _, e := range u.servers {
			f := form{}
			if e.use != nil {
				f = *e.use
			}
			if err := u.writeForm(w, depth, e, f); err != nil {
				return err
			}
		}
		if u.s.base != "" {
			// The tree against the base, so that the ratio is read as the others are.
			tree := &server{name: "bare, tree", cells: u.named(bare).cells}
			if err := u.writeForm(w, depth, tree, form{against: bareBase, goal: goalBase}); err != nil {
				return err
			}
		}
	}
	return nil
}

// errNoCost is returned when there is nothing to compare.
var errNoCost = errors.New("the CPU time of a server could not be read")

func (u *suite) writeForm(w io.Writer, depth int, e *server, f form) error {
	cell := e.cells[depth]
	ns, low, high, ok := cell.Of(bench.CPU)
	ofBare := ratiosOf(cell, u.named(bare).cells[depth])
	if !ok || len(ofBare) == 0 {
		return errNoCost
	}
	allocations, _, _, _ := cell.Of(bench.Allocs)
	ratio, ofLeast, goal, word := "", "", "", ""
	if f.against != "" {
		other := u.named(f.against).cells[depth]
		ratios := ratiosOf(cell, other)
		if len(ratios) == 0 {
			return errNoCost
		}
		_, otherLow, _, _ := other.Of(bench.CPU)
		ofLeast = fmt.Sprintf("%.2f", low/otherLow)
		middle := bench.Median(ratios)
		ratio = fmt.Sprintf("%.3f (%.2f to %.2f)", middle, slices.Min(ratios), slices.Max(ratios))
		if f.goal > 0 {
			goal, word = fmt.Sprintf("%.2f", f.goal), "ok"
			if middle > f.goal {
				word = "ABOVE"
			}
		}
	}
	_, err := fmt.Fprintf(w, "| %d | %s | %.0f (%.0f to %.0f) | %.2f | %s | %s | %s | %s | %.2f | %s |\n", depth, e.name,
		ns, low, high, bench.Median(ofBare), f.against, ratio, ofLeast, goal, allocations, word)
	return err
}
