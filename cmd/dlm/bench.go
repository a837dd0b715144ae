package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"dlm/bench"
	"dlm/cmd/dlm/settings"
)

func newBenchCommand() *cobra.Command {
	var c bench.Config
	c.Server = "127.0.0.1:7420"
	c.EnsureDefaults()
	c.Locks, c.Held, c.Contenders = 0, 0, 0 // these depend on the workload
	var jsonFile string
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Load a server and measure it",
		Long: "Load a running server and check every reply. The report has the throughput, the latency, and\n" +
			"the CPU time of the server per command. The token is taken from " + settings.EnvToken + ".\n\n" +
			"Workloads:\n" +
			"  pair        ACQUIRE and RELEASE; each connection has its own locks\n" +
			"  renew       HEARTBEAT of held locks\n" +
			"  zipf        pair on shared locks, a few of which are used most\n" +
			"  ping        PING\n" +
			"  hot         many owners wait for few locks; measures RELEASE to the next holder's OK\n" +
			"  waiters     a long queue on one lock: fill, drop, time out, hand through\n" +
			"  churn       connect, one pair, close\n" +
			"  tenmillion  another workload (--then) while ten million locks are held\n\n" +
			"With --rate, each command has a due time and its latency counts from there, so that a stall\n" +
			"counts for every command that it delays.",
		Args: cobra.NoArgs,
		RunE: action(func(cmd *cobra.Command) error {
			c.Token = settings.ReadEnvironment(os.Environ())[settings.EnvToken]
			if stderr, ok := cmd.ErrOrStderr().(*os.File); ok && term.IsTerminal(int(stderr.Fd())) {
				c.Progress = stderr
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			report, err := bench.Run(ctx, c)
			if err != nil {
				return describeBench(err, c.Token != "")
			}
			return writeReport(cmd.OutOrStdout(), report, jsonFile)
		}),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	addBenchFlags(fs, &c)
	fs.StringVar(&jsonFile, "json", "", "write the report as JSON to `FILE`; - means to the standard output, instead of the table")
	return cmd
}

func addBenchFlags(fs *pflag.FlagSet, c *bench.Config) {
	fs.StringVar(&c.Server, "server", c.Server, "`ADDR` of the server, host:port")
	fs.StringVar(&c.Workload, "workload", c.Workload, "one of "+strings.Join(bench.Workloads, ", "))
	fs.StringVar(&c.Then, "then", c.Then, "`WORKLOAD` that tenmillion runs")
	fs.StringVar(&c.Form, "form", c.Form, "form of the requests: "+strings.Join(bench.Forms, ", "))
	fs.IntVar(&c.Conns, "conns", c.Conns, "number of connections")
	fs.IntSliceVar(&c.Depths, "depth", c.Depths, "commands in flight on each connection; a list makes a row each: 1,16,64")
	fs.IntSliceVar(&c.Rates, "rate", nil, "commands per second; a list makes a row each (default: as fast as possible)")
	fs.IntVar(&c.Locks, "locks", 0, "number of locks in use (default 10000; 4 for hot)")
	fs.IntVar(&c.Held, "held", 0, "number of other locks that are held meanwhile (default 10000000 for tenmillion)")
	fs.IntVar(&c.Contenders, "contenders", 0, "hot: number of owners (default: one per connection)")
	fs.IntVar(&c.Waiters, "waiters", c.Waiters, "waiters: length of the queue")
	fs.Float64Var(&c.Skew, "skew", c.Skew, "zipf: exponent, above 1")
	fs.BoolVar(&c.Apart, "apart", false, "pair: send all ACQUIREs of a batch before all its RELEASEs")
	fs.DurationVar(&c.TTL, "ttl", 0, "pair, renew: send TTL with this `TIME` in each command (default: no TTL)")
	fs.BoolVar(&c.Fence, "fence", false, "renew: send the token in each HEARTBEAT")
	fs.BoolVar(&c.Tags, "tags", false, "pair, renew: give each command a tag")
	fs.IntVar(&c.NameLen, "name-len", c.NameLen, "length of a lock name in bytes")
	fs.StringVar(&c.Prefix, "prefix", c.Prefix, "begin lock names with this; concurrent runs need different prefixes")
	fs.Uint64Var(&c.Seed, "seed", c.Seed, "seed of the random numbers")
	fs.DurationVar(&c.Warmup, "warmup", c.Warmup, "`TIME` to warm up before the first round")
	fs.DurationVar(&c.Duration, "duration", c.Duration, "`TIME` of a round")
	fs.IntVar(&c.Rounds, "rounds", c.Rounds, "number of rounds; the table shows their medians")
	fs.IntVar(&c.Threads, "threads", c.Threads, "number of threads of the generator")
	fs.BoolVar(&c.Poll, "poll", false, "never let the generator sleep, so that waking it costs the server nothing; needs processors of its own")
	fs.IntVar(&c.PID, "pid", 0, "process id of the server, to measure its CPU time; -1: do not measure (default: ask the server)")
	fs.BoolVar(&c.Floor, "floor", false, "the server is bench/floor, which answers OK to everything")
}

// describeBench adds advice to an error that has a usual cause.
func describeBench(err error, token bool) error {
	switch {
	case errors.Is(err, bench.ErrDenied) && !token:
		return fmt.Errorf("%w: the server requires a token: put one with the role lock into %s", err, settings.EnvToken)
	case errors.Is(err, bench.ErrDenied):
		return fmt.Errorf("%w: the token in %s must be known to the server, have the role lock, and allow names with this --prefix", err, settings.EnvToken)
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted; all locks are released")
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: is a server running there? start one with 'dlm server', or give its address with --server", err)
	case errors.Is(err, syscall.EMFILE):
		return fmt.Errorf("%w: raise the limit with ulimit -n, or take fewer --conns", err)
	case errors.Is(err, bench.ErrWrongReply):
		return fmt.Errorf("%w: the run is void; concurrent runs need different values of --prefix", err)
	}
	return err
}

// writeReport writes the report in the format that was asked for.
func writeReport(stdout io.Writer, r *bench.Report, jsonFile string) error {
	if jsonFile == "-" {
		return r.WriteJSON(stdout)
	}
	if jsonFile != "" {
		f, err := os.Create(jsonFile)
		if err != nil {
			return err
		}
		if err := errors.Join(r.WriteJSON(f), f.Close()); err != nil {
			return err
		}
	}
	return r.WriteTable(stdout)
}
