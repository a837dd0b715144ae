package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"

	"github.com/spf13/cobra"

	"dlm/cmd/dlm/admin"
	"dlm/cmd/dlm/certs"
	"dlm/cmd/dlm/files"
	"dlm/cmd/dlm/logging"
	"dlm/cmd/dlm/settings"
	"dlm/cmd/dlm/systemd"
	"dlm/engine"
	"dlm/engine/durability"
	"dlm/engine/transport"
)

func newServerCommand() *cobra.Command {
	built := readBuild()
	s := settings.New(built.version, built.commit)
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run the lock server",
		Long: "Run the lock server until SIGTERM or SIGINT. A second signal, a second later\nor more, ends it immediately.\n\n" +
			"Each setting is a flag (--max-conns 100), an environment variable (DLM_MAX_CONNS=100), or a\n" +
			"line in the TOML file of --config (max-conns = 100). The first of these wins.\n\n" +
			"Without a token file everybody on this machine may lock. Forced releases and promotions need\n" +
			"the admin token. Each start makes a new one and writes it to admin.token in the data\n" +
			"directory, unless DLM_ADMIN_TOKEN gives one. Secrets are never given on the command line,\n" +
			"because other users of the machine can read it.",
		Args: cobra.NoArgs,
		RunE: action(func(cmd *cobra.Command) error {
			env, err := settings.TakeEnvironment()
			if err != nil {
				return err
			}
			if err := s.Load(cmd.Flags(), env); err != nil {
				return fmt.Errorf("the server can't start: %w", err)
			}
			return serve(cmd.ErrOrStderr(), s)
		}),
	}
	cmd.Flags().SortFlags = false
	s.AddFlags(cmd.Flags())
	return cmd
}

// serve runs a server until a signal stops it.
func serve(stderr io.Writer, s *settings.Server) error {
	format := chooseFormat(s.LogFormat, stderr)
	signal.Ignore(syscall.SIGPIPE) // a closed pipe of the log is a failed write, not the end
	log, queue := logging.New(stderr, format, s.LogLevel)
	defer queue.Close(flushMax)
	s.Engine.Log, s.Engine.LogDropped = log, queue.Dropped
	auditLog, err := openAudit(s, queue, format, log)
	if err != nil {
		return err
	}
	defer auditLog.Close(flushMax)
	s.Engine.Audit = auditLog
	s.Engine.Crash = func() { auditLog.Close(flushMax); queue.Close(flushMax); os.Exit(exitCrash) }

	tuneGC()
	limitCollector(s.Engine.MemoryMax)
	stopProfile, err := startProfile(s.CPUProfile)
	if err != nil {
		return err
	}
	defer stopProfile()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	afterEchoes(ctx, stop) // then the next signal has its default effect: it kills
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)

	manager, err := systemd.FromEnvironment()
	if err != nil {
		return err
	}
	// The HTTP side comes first, because a start that fails for its address must not use up the
	// clean stop of the data directory.
	side, err := listenHTTP(s, log)
	if err != nil {
		return err
	}
	probes, err := listenHealth(s.Health, log)
	if err != nil {
		return err
	}
	if s.Certs != nil {
		s.Engine.Certificates = func() engine.Certificates { return certificatesOf(s.Certs) }
	}
	own := newOwnAdmin(&s.Engine)
	server, err := openEngine(ctx, s.Engine)
	if errors.Is(err, transport.ErrAddressInUse) {
		return fmt.Errorf("%w, perhaps by another dlm server: choose another address, or port 0 for any free port", err)
	}
	if errors.Is(err, durability.ErrDataDir) {
		return explainDataDir(err)
	}
	if err != nil {
		return err
	}
	for _, addr := range []net.Addr{server.Addr(), server.AddrTLS()} {
		if addr != nil && !onLoopback(addr) && len(s.Engine.Credentials) == 0 {
			log.Warn("NO AUTHENTICATION: anybody who reaches this address can take and release every lock: "+
				"give the server a --token-file", "event", "no-authentication", "address", addr.String())
		}
	}
	files := own.publish(server, side, &s.Engine)
	defer files.Remove()
	announce(queue, log, format, startLines(server.Addr(), server.AddrTLS(), server.Addrs(), httpAddr(side), &s.Engine, server.Durability(), own.where))
	if probes != nil {
		log.Info("probes are answered", "event", "probes", "address", probes.Addrs())
	}
	reload := newReloader(s, server, log)
	go reload.run(ctx, hangup)
	if s.Certs != nil {
		s.Certs.WarnOfEnds(log)
		go s.Certs.Run(ctx, log, reload.noteCertificates)
	}
	defer informManager(manager, server)()

	if err = serveBounded(ctx, server, side, probes); err == nil {
		log.Info("stopped", "event", "stopped")
	}
	return err
}

// explainDataDir returns an error about a data directory in words for its user.
func explainDataDir(err error) error {
	if words := files.Explain(err); words != err {
		return fmt.Errorf("%w: %w", durability.ErrDataDir, words)
	}
	return err
}

// listenHTTP binds the HTTP side. It returns nil if no address is given.
func listenHTTP(s *settings.Server, log *slog.Logger) (*admin.Server, error) {
	if s.HTTP == settings.Off {
		return nil, nil
	}
	side, err := admin.Listen(s.HTTP, log)
	if err != nil {
		return nil, err
	}
	side.AllowHosts(s.HTTPHosts)
	side.InsecurePlain = s.InsecurePlain
	if s.HTTPTLS {
		side.TLS = s.Certs.Server("http/1.1")
	}
	return side, nil
}

func httpAddr(side *admin.Server) string {
	if side == nil {
		return settings.Off
	}
	return side.Addrs()
}

// listenHealth binds the address of the probes. It returns nil if no address is given.
func listenHealth(addr string, log *slog.Logger) (*admin.Server, error) {
	if addr == settings.Off {
		return nil, nil
	}
	return admin.ListenHealth(addr, log)
}

// serveAll serves locks, HTTP and probes until ctx ends. HTTP goes on until the last image has been
// written and, if a backup takes over, fetched.
func serveAll(ctx context.Context, server *engine.Engine, side, probes *admin.Server) error {
	sideCtx, stopSides := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSides()
	ended := make(chan error, 2)
	sides := 0
	for _, s := range []*admin.Server{side, probes} {
		if s != nil {
			sides++
			go func() { ended <- s.Serve(sideCtx, server) }() // the goroutines "http" and "health"
		}
	}
	err := server.Serve(ctx)
	if side != nil {
		server.WaitSuccessor(side.Fetched())
	}
	stopSides()
	for range sides {
		err = errors.Join(err, <-ended)
	}
	return err
}

// certificatesOf returns what the engine reports of certificates.
func certificatesOf(keeper *certs.Keeper) (c engine.Certificates) {
	s := keeper.Stats()
	for _, end := range s.Ends {
		c.Ends = append(c.Ends, engine.CertificateEnd{Use: end.Use, At: end.At})
	}
	c.Reloads = []engine.NamedCount{{Name: "ok", Count: s.Reloads}, {Name: "failed", Count: s.ReloadsRefused}}
	return c
}

// startProfile starts the CPU profile, if one is wanted. The returned function ends it.
func startProfile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("--cpu-profile: %w", files.Explain(err))
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, fmt.Errorf("--cpu-profile: %w", errors.Join(err, f.Close()))
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close() // a reader of a truncated profile notices
	}, nil
}
