package admin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dlm/engine"
	"dlm/engine/transport"
)

const (
	headerWait  = 5 * time.Second  // for a request's header
	idleMax     = 10 * time.Second // of a connection with a token between requests
	answerMax   = 10 * time.Second // to send a short answer
	snapshotMax = 30 * time.Minute // to send an image
	headerMax   = 8 << 10          // bytes
	transfers   = 4                // images being sent at the same time
	stopMax     = 2 * time.Second  // for unfinished answers at a stop
)

// Server is the HTTP side. Listen makes it, Serve runs it.
type Server struct {
	engine   Engine
	log      *slog.Logger
	listener transport.Listener
	slots    chan struct{} // one per image being sent
	conns    *conns
	metrics  *metrics // made by Serve
	rate     callRate
	scans    chan struct{} // one per request that walks records
	live     *live

	// TLS has the settings of connections; nil: they are plain. It is set before Serve.
	TLS *tls.Config
	// InsecurePlain lets images and promotion cross a network without TLS. It is set before Serve.
	InsecurePlain bool

	probesOnly bool              // it is the one of --health
	hosts      map[string]bool   // names by which browsers may ask, in lower case
	assets     map[string]*asset // the dashboard, by path; made by Serve

	successor atomic.Pointer[string] // the backup that may fetch the last image
	fetched   chan struct{}          // closed when the backup has fetched it
	fetching  sync.Once
}

// Listen binds the address. Nothing is served before Serve.
func Listen(addr string, log *slog.Logger) (*Server, error) {
	return bind(addr, "HTTP", "choose another with --http, or --http off", log, engine.HTTPConnsMax())
}

// bind binds an address for one side of the server, such as "HTTP" in its messages. An error ends
// with the advice.
func bind(addr, side, advice string, log *slog.Logger, connsMax int) (*Server, error) {
	l, err := transport.Listen(addr)
	if err != nil {
		return nil, fmt.Errorf("the %s side can't %w: %s", side, err, advice)
	}
	return newServer(l, log, connsMax), nil
}

func newServer(l transport.Listener, log *slog.Logger, connsMax int) *Server {
	return &Server{log: log, listener: l, conns: newConns(connsMax), slots: make(chan struct{}, transfers), fetched: make(chan struct{})}
}

// AllowHosts names the hosts, besides IP addresses and localhost, by which browsers may ask. It is
// called before Serve.
func (s *Server) AllowHosts(names []string) {
	s.hosts = make(map[string]bool, len(names))
	for _, name := range names {
		s.hosts[strings.ToLower(name)] = true
	}
}

func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Addrs returns all addresses that are served, in words.
func (s *Server) Addrs() string {
	if s.TLS != nil {
		return s.listener.String() + " over TLS"
	}
	return s.listener.String()
}

// Fetched returns a channel that is closed when the last image has been fetched.
func (s *Server) Fetched() <-chan struct{} { return s.fetched }

// Serve answers for the engine until ctx ends.
func (s *Server) Serve(ctx context.Context, e Engine) error {
	s.engine = e
	s.metrics = newMetrics(e.Stats, func() int { return len(s.live.open()) }, s.log)
	s.live, s.scans = newLive(s), make(chan struct{}, scansMax)
	hs := &http.Server{
		Handler:           s.conns.during(s.handler()),
		ReadHeaderTimeout: headerWait,
		ReadTimeout:       headerWait, // requests have no body that is read
		WriteTimeout:      answerMax,
		IdleTimeout:       idleMax,
		MaxHeaderBytes:    headerMax,
		ConnState:         s.conns.changed,
		ConnContext:       withConn,
		ErrorLog:          newErrorLog(s.log),
	}
	hs.RegisterOnShutdown(func() { close(s.live.done) })
	go s.live.run()
	serve := hs.Serve
	if s.TLS != nil {
		// HTTP/2 would carry many requests over one connection, and the limits count connections.
		hs.TLSConfig, hs.TLSNextProto = sharingConfig(s.TLS), map[string]func(*http.Server, *tls.Conn, http.Handler){}
		serve = func(l net.Listener) error { return hs.ServeTLS(sharing{l, e.HandshakeWork()}, "", "") }
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopMax)
		defer cancel()
		err := hs.Shutdown(wait)
		if err != nil {
			err = hs.Close()
		}
		stopped <- err
	})
	ended := make(chan error, len(s.listener))
	for _, l := range s.listener {
		go func() { ended <- serve(l) }() // the goroutines "accept http"
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		stop()
		return errors.Join(err, hs.Close())
	}
	return <-stopped
}

func (s *Server) handler() http.Handler {
	root := http.NewServeMux()
	root.HandleFunc("GET /livez", s.livez)
	root.HandleFunc("GET /readyz", s.readyz)
	if s.probesOnly {
		return s.counting(secured(root))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", s.scrape)
	mux.HandleFunc("GET /snapshot", s.snapshot)
	mux.HandleFunc("POST /promote", s.promote)
	mux.HandleFunc("POST /depose", s.stepDown)
	s.addAPI(mux)
	s.assets = assets()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /ui/", s.page)
	root.Handle("/", s.guarded(mux))
	return s.counting(secured(root))
}

// answer sends a line of text.
func answer(w http.ResponseWriter, status int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, line) // an error means that the client is gone
}
