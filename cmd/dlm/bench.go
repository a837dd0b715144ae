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
		Long: "Load a running server, check every reply, and report throughput, latency and what a\n" +
			"command costs the server in CPU time. The token is taken from " + settings.EnvToken + ".\n\n" +
			"pair     ACQUIRE and RELEASE, each connection with locks of its own\n" +
			"renew    HEARTBEAT of locks that are held\n" +
			"zipf     pair on shared locks, few of them much more used\n" +
			"ping     PING\n" +
			"hot      many owners queue for few locks: from RELEASE to the next holder's OK\n" +
			"waiters  a long queue on one lock: filled, dropped, timed out, handed through\n" +
			"churn    connect, one pair, close\n" +
			"tenmillion  --then WORKLOAD beside ten million held locks\n\n" +
			"With --rate commands are sent when they are due, and latency counts from that time, so\n" +
			"that a stall is charged to every command it delays.",
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
	fs.StringVar(&jsonFile, "json", "", "write the report as JSON to `FILE`; - is the standard output, without the table")
	return cmd
}

func addBenchFlags(fs *pflag.FlagSet, c *bench.Config) {
	fs.StringVar(&c.Server, "server", c.Server, "`ADDR` of the server, host:port")
	fs.StringVar(&c.Workload, "workload", c.Workload, "what to do: "+strings.Join(bench.Workloads, ", "))
	fs.StringVar(&c.Then, "then", c.Then, "`WORKLOAD` beside the held locks of tenmillion")
	fs.StringVar(&c.Form, "form", c.Form, "of requests: "+strings.Join(bench.Forms, ", "))
	fs.IntVar(&c.Conns, "conns", c.Conns, "connections")
	fs.IntSliceVar(&c.Depths, "depth", c.Depths, "commands under way on each connection; several for a row each: 1,16,64")
	fs.IntSliceVar(&c.Rates, "rate", nil, "commands per second of an open loop; several for a row each (default: as fast as it goes)")
	fs.IntVar(&c.Locks, "locks", 0, "locks in use (default 10000, for hot 4)")
	fs.IntVar(&c.Held, "held", 0, "locks held beside the workload (default for tenmillion 10000000)")
	fs.IntVar(&c.Contenders, "contenders", 0, "owners in workload hot (default: one per connection)")
	fs.IntVar(&c.Waiters, "waiters", c.Waiters, "length of the queue in workload waiters")
	fs.Float64Var(&c.Skew, "skew", c.Skew, "exponent of workload zipf, above 1")
	fs.BoolVar(&c.Apart, "apart", false, "in workload pair, all ACQUIREs of a batch before all its RELEASEs")
	fs.DurationVar(&c.TTL, "ttl", 0, "`TIME` of a lease, in each command of pair and renew (default: none is sent)")
	fs.BoolVar(&c.Fence, "fence", false, "in workload renew, each HEARTBEAT shows the token of its hold")
	fs.BoolVar(&c.Tags, "tags", false, "in workloads pair and renew, each command has a tag")
	fs.IntVar(&c.NameLen, "name-len", c.NameLen, "bytes of a lock name")
	fs.StringVar(&c.Prefix, "prefix", c.Prefix, "of lock names; runs at the same time need different ones")
	fs.Uint64Var(&c.Seed, "seed", c.Seed, "of the random draws")
	fs.DurationVar(&c.Warmup, "warmup", c.Warmup, "`TIME` before the first round")
	fs.DurationVar(&c.Duration, "duration", c.Duration, "`TIME` of a round")
	fs.IntVar(&c.Rounds, "rounds", c.Rounds, "rounds; the table shows their medians")
	fs.IntVar(&c.Threads, "threads", c.Threads, "threads of the generator")
	fs.BoolVar(&c.Poll, "poll", false, "the generator never sleeps: nobody pays for waking it; needs processors of its own")
	fs.IntVar(&c.PID, "pid", 0, "process of the server, for its CPU time; -1: not measured (default: ask the server)")
	fs.BoolVar(&c.Floor, "floor", false, "the server is bench/floor, which answers OK to everything")
}

// describeBench adds advice to an error that has a usual cause.
func describeBench(err error, token bool) error {
	switch {
	case errors.Is(err, bench.ErrDenied) && !token:
		return fmt.Errorf("%w: the server wants a token: put one with the role lock into %s", err, settings.EnvToken)
	case errors.Is(err, bench.ErrDenied):
		return fmt.Errorf("%w: the token of %s must be one of the server's, with the role lock and no prefixes, or those of --prefix", err, settings.EnvToken)
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted; what was held is released")
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: is a server running there? start one with dlm server, or name another with --server", err)
	case errors.Is(err, syscall.EMFILE):
		return fmt.Errorf("%w: raise the limit with ulimit -n, or take fewer --conns", err)
	case errors.Is(err, bench.ErrWrongReply):
		return fmt.Errorf("%w: the run is void; a run at the same time needs another --prefix", err)
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
