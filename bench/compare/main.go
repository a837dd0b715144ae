// Command compare measures several lock servers with the same load, taking
// turns, so that what the machine does meanwhile falls on all of them:
//
//	compare                      dlm, its floor, Redis, etcd, slock: a Markdown table
//	compare --workload hot --conns 64 --locks 1 --depth 1
//	                             the same for one lock that 64 owners hand on
//	compare --forms              commands with options, long names and in RESP against bare ones
//	compare --base origin/main   this tree against a commit: fails if it is slower
//
// It is run in the root of the tree. It is a module of its own: the clients of other servers and
// the libraries for plots and statistics are no dependencies of dlm.
//
// Every server is a program of its own, started on a free port of loopback and
// pinned to one core, the generator to another. A round measures each server
// once, and the next round begins with another one. A server that is not on
// this machine is left out and named.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dlm/bench"
)

// settings is what the command line says.
type settings struct {
	load       bench.Load
	workload   string // pair, renew, ping or hot
	depths     []int
	locks      int
	resp       bool
	forms      bool   // the forms of commands against the bare one, instead of servers
	base       string // commit to compare with; empty: with other servers
	micro      bool   // with base: also micro-benchmarks
	rounds     int
	serverCore int
	clientCore int
	sleep      bool   // the generator sleeps while it has nothing to do
	dlm        string // binaries; empty: built from this tree
	floor      string
	redis      string // programs of others; a path, or looked for in PATH
	etcd       string
	slock      string
	jsonFile   string
	markdown   string // file; empty: standard output
	plots      string // directory; empty: none
}

func main() {
	s, err := parse(os.Args[1:])
	if err != nil {
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err = run(ctx, s)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func parse(args []string) (*settings, error) {
	s := &settings{}
	fs := flag.NewFlagSet("compare", flag.ContinueOnError)
	fs.StringVar(&s.workload, "workload", pair, "of dlm bench: pair, renew, ping or hot")
	fs.IntVar(&s.load.Conns, "conns", 50, "connections")
	fs.IntVar(&s.locks, "locks", 10_000, "locks in use")
	fs.DurationVar(&s.load.Duration, "duration", time.Second, "of a measurement")
	fs.DurationVar(&s.load.Warmup, "warmup", 300*time.Millisecond, "before each measurement")
	fs.IntVar(&s.rounds, "rounds", 5, "turns of all servers")
	depths := fs.String("depth", "1,16,64,256", "commands under way on each connection")
	fs.BoolVar(&s.resp, "resp", false, "also our RESP form, and a floor for it")
	fs.BoolVar(&s.forms, "forms", false, "compare what clients send with bare commands, instead of servers; with --base also bare commands of that commit")
	fs.StringVar(&s.base, "base", "", "commit to compare this tree with, instead of other servers")
	fs.BoolVar(&s.micro, "micro", false, "with --base also compare micro-benchmarks")
	fs.IntVar(&s.serverCore, "server-core", 0, "core of the servers")
	fs.IntVar(&s.clientCore, "client-core", 1, "core of the generator")
	fs.BoolVar(&s.sleep, "sleep", false, "the generator sleeps while nothing comes, and the server pays for waking it")
	fs.StringVar(&s.dlm, "dlm", "", "binary of dlm (default: built from this tree)")
	fs.StringVar(&s.floor, "floor", "", "binary of bench/floor (default: built from this tree)")
	fs.StringVar(&s.redis, "redis", "redis-server", "binary of Redis")
	fs.StringVar(&s.etcd, "etcd", "etcd", "binary of etcd")
	fs.StringVar(&s.slock, "slock", "slock", "binary of slock")
	fs.StringVar(&s.jsonFile, "json", "", "also write all measurements to this file")
	fs.StringVar(&s.markdown, "markdown", "", "write the table to this file instead of standard output")
	fs.StringVar(&s.plots, "plot", "", "also draw plots into this directory")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	for _, word := range strings.Split(*depths, ",") {
		depth, err := strconv.Atoi(word)
		if err != nil {
			fmt.Fprintf(os.Stderr, "compare: --depth: %v\n", err)
			return nil, err
		}
		s.depths = append(s.depths, depth)
	}
	s.load.Rounds = 1
	if s.base != "" && !s.forms && s.jsonFile != "" {
		err := errors.New("--json goes with other servers, not with --base")
		fmt.Fprintln(os.Stderr, "compare:", err)
		return nil, err
	}
	return s, nil
}

// run measures, and writes what came of it.
func run(ctx context.Context, s *settings) error {
	pinned, err := pinSelf(s.clientCore)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "dlm-compare-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s.load.Poll = pinned && !s.sleep
	u := &suite{s: s, dir: dir, pinned: pinned, given: formOf(s.workload)}
	if u.given == nil {
		return fmt.Errorf("--workload: %q is not one of pair, renew, ping, hot", s.workload)
	}
	defer u.stop()
	switch {
	case s.forms:
		return compareForms(ctx, u)
	case s.base != "":
		return regress(ctx, u)
	}
	if err := u.enterAll(ctx); err != nil {
		return err
	}
	if err := u.measure(ctx); err != nil {
		return err
	}
	if err := u.writeJSON(); err != nil {
		return err
	}
	if s.plots != "" {
		if err := u.writePlots(s.plots); err != nil {
			return err
		}
	}
	if s.markdown == "" {
		return u.writeMarkdown(os.Stdout)
	}
	return writeFile(s.markdown, u.writeMarkdown)
}

func writeFile(path string, write func(io.Writer) error) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(out), out.Close())
}

// envPinned tells the process that it was started again under taskset.
const envPinned = "DLM_COMPARE_PINNED"

// pinSelf starts this program again on its core: the affinity of a thread has
// to be set before the Go runtime makes the others. It returns false where
// there is no taskset or no second core, and then nothing is pinned.
func pinSelf(core int) (bool, error) {
	if os.Getenv(envPinned) != "" {
		return true, nil
	}
	taskset, err := exec.LookPath("taskset")
	if err != nil || runtime.NumCPU() < 2 {
		return false, nil
	}
	self, err := os.Executable()
	if err != nil {
		return false, err
	}
	args := append([]string{taskset, "-c", strconv.Itoa(core), self}, os.Args[1:]...)
	return false, syscall.Exec(taskset, args, append(os.Environ(), envPinned+"=1"))
}
