package main

import (
	"context"
	"encoding/json"
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
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Load a server and measure it",
		Long: "Load a running server and check every reply. The report has the throughput, the latency, and\n" +
			"the CPU time of the server per command. Each workload has flags of its own: see\n" +
			"'dlm bench pair --help'. The token is taken from " + settings.EnvToken + ".",
		Example: "  dlm bench pair --depth 1,16,256\n" +
			"  dlm bench pair --ttl 20s --tags --name-len 40\n" +
			"  dlm bench cycle --fence --ttl 20s\n" +
			"  dlm bench hot --locks 1",
		Args: cobra.NoArgs,
		RunE: showHelp,
	}
	addWorkloads(cmd)
	return cmd
}

// addWorkloads adds a command for each workload of package bench.
func addWorkloads(cmd *cobra.Command) {
	pair, renew, cycle, ping := &bench.Pair{}, &bench.Renew{}, &bench.Cycle{}, &bench.Ping{}
	hot, waiters, churn := &bench.Hot{}, &bench.Waiters{}, &bench.Churn{}
	for _, w := range []struct {
		workload    bench.Workload
		short, long string
		flags       func(*pflag.FlagSet)
	}{
		{pair, "ACQUIRE and RELEASE; each connection has its own locks", "", func(fs *pflag.FlagSet) {
			addPaced(fs, &pair.Paced)
			addOptions(fs, &pair.Options)
			fs.IntVar(&pair.Locks, "locks", pair.Locks, "number of locks in use")
			fs.BoolVar(&pair.Apart, "apart", false, "send all ACQUIREs of a batch before all its RELEASEs")
		}},
		{renew, "HEARTBEAT of held locks", "", func(fs *pflag.FlagSet) {
			addPaced(fs, &renew.Paced)
			addOptions(fs, &renew.Options)
			fs.IntVar(&renew.Locks, "locks", renew.Locks, "number of locks that are held")
			fs.BoolVar(&renew.Fence, "fence", false, "send the token in each HEARTBEAT")
		}},
		{cycle, "ACQUIRE, HEARTBEAT and RELEASE, as a client library sends them", "", func(fs *pflag.FlagSet) {
			addStream(fs, &cycle.Stream)
			addOptions(fs, &cycle.Options)
			fs.IntVar(&cycle.Locks, "locks", cycle.Locks, "number of locks in use")
			fs.BoolVar(&cycle.Fence, "fence", false, "send the token of the grant in each HEARTBEAT and RELEASE")
		}},
		{ping, "PING, the cheapest command", "", func(fs *pflag.FlagSet) { addPaced(fs, &ping.Paced) }},
		{hot, "Many owners that wait for few locks",
			"Latency is that of hand-offs: from RELEASE to the OK of the next holder. PING is measured first, for\n" +
				"comparison.", func(fs *pflag.FlagSet) {
				addForm(fs, &hot.Form)
				fs.DurationVar(&hot.TTL, "ttl", 0, "send TTL with this `TIME` in each ACQUIRE (default: no TTL)")
				fs.BoolVar(&hot.Fence, "fence", false, "send the token of the grant in each RELEASE")
				fs.IntVar(&hot.Locks, "locks", hot.Locks, "number of locks, for which all connections wait")
			}},
		{waiters, "A long queue on one lock: fill, drop, time out, hand through", "", func(fs *pflag.FlagSet) {
			fs.IntVar(&waiters.Waiters, "waiters", waiters.Waiters, "length of the queue")
		}},
		{churn, "Connect, one pair, close", "", func(*pflag.FlagSet) {}},
	} {
		w.workload.EnsureDefaults()
		cmd.AddCommand(newWorkloadCommand(w.workload, w.short, w.long, w.flags))
	}
}

func newWorkloadCommand(w bench.Workload, short, long string, addFlags func(*pflag.FlagSet)) *cobra.Command {
	load := bench.Load{Server: "127.0.0.1:7420"}
	load.EnsureDefaults()
	var jsonFile string
	cmd := &cobra.Command{
		Use:   w.Name(),
		Short: short,
		Long:  strings.TrimSpace(short + ".\n\n" + long),
		Args:  cobra.NoArgs,
		RunE: action(func(cmd *cobra.Command) error {
			load.Token = settings.ReadEnvironment(os.Environ())[settings.EnvToken]
			if stderr, ok := cmd.ErrOrStderr().(*os.File); ok && term.IsTerminal(int(stderr.Fd())) {
				// The escape sequence clears the rest of the line.
				load.Progress = func(line string) { fmt.Fprint(stderr, "\r\x1b[K", line) }
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			report, err := bench.Run(ctx, load, w)
			if err != nil {
				return describeBench(err, load.Token != "")
			}
			return writeReport(cmd.OutOrStdout(), report, jsonFile)
		}),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&load.Server, "server", load.Server, "`ADDR` of the server, host:port")
	fs.IntVar(&load.Conns, "conns", load.Conns, "number of connections")
	addFlags(fs)
	fs.IntVar(&load.Held, "held", 0, "number of other locks that are held meanwhile")
	fs.IntVar(&load.NameLen, "name-len", load.NameLen, "length of a lock name in bytes")
	fs.StringVar(&load.Prefix, "prefix", load.Prefix, "begin lock names with this; concurrent runs need different prefixes")
	fs.DurationVar(&load.Warmup, "warmup", load.Warmup, "`TIME` to warm up before the first round")
	fs.DurationVar(&load.Duration, "duration", load.Duration, "`TIME` of a round")
	fs.IntVar(&load.Rounds, "rounds", load.Rounds, "number of rounds; the table shows their medians")
	fs.BoolVar(&load.Poll, "poll", false, "never let the generator sleep, so that waking it costs the server nothing; needs processors of its own")
	fs.IntVar(&load.PID, "pid", 0, "process id of the server, to measure its CPU time; -1: do not measure (default: ask the server)")
	fs.StringVar(&jsonFile, "json", "", "write the report as JSON to `FILE`; - means to the standard output, instead of the table")
	return cmd
}

// addPaced adds the flags of a stream that can have a rate.
func addPaced(fs *pflag.FlagSet, s *bench.Paced) {
	addStream(fs, &s.Stream)
	fs.IntSliceVar(&s.Rates, "rate", nil, "commands per second; a list makes a row each. Latency then counts from when a command is due,\n"+
		"so that a stall counts for every command that it delays (default: as fast as possible)")
}

func addStream(fs *pflag.FlagSet, s *bench.Stream) {
	addForm(fs, &s.Form)
	fs.IntSliceVar(&s.Depths, "depth", s.Depths, "commands in flight on each connection; a list makes a row each: 1,16,64")
	fs.IntVar(&s.Threads, "threads", s.Threads, "number of threads of the generator")
}

func addForm(fs *pflag.FlagSet, form *string) {
	fs.StringVar(form, "form", *form, "`FORM` of the requests: text, detail (text after DETAIL ON: replies have fields), resp")
}

func addOptions(fs *pflag.FlagSet, o *bench.Options) {
	fs.DurationVar(&o.TTL, "ttl", 0, "send TTL with this `TIME` in each command that takes it (default: no TTL)")
	fs.BoolVar(&o.Tags, "tags", false, "give each command a tag; not in RESP")
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
		return writeJSON(stdout, r)
	}
	if jsonFile != "" {
		f, err := os.Create(jsonFile)
		if err != nil {
			return err
		}
		if err := errors.Join(writeJSON(f, r), f.Close()); err != nil {
			return err
		}
	}
	return writeTable(stdout, r)
}

func writeJSON(w io.Writer, r *bench.Report) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
