package engine

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"dlm/engine/transport"
)

// ListenOff is the Config.Listen of a server that serves over TLS alone.
const ListenOff = "off"

// alpn is the protocol that a client of the lock port may name in its TLS handshake. A client that
// names only others, as a browser does, is refused in the handshake.
const alpn = "dlm"

// ALPN returns the protocols of the lock port for Config.TLS.
func ALPN() []string { return []string{alpn} }

// via is how a connection reaches the server.
type via uint8

const (
	viaTCP via = iota
	viaTLS
	viaUnix
	viaCount
)

// port is an address that clients connect to.
type port struct {
	listener transport.Listener
	via      via
}

// openPorts binds the addresses of the configuration, that of Listen first.
func openPorts(cfg *Config) (ports []port, err error) {
	for _, p := range []struct {
		name, addr, off string
		via             via
	}{{"listen", cfg.Listen, ListenOff, viaTCP}, {"tls-listen", cfg.TLSListen, "", viaTLS}} {
		if p.addr == p.off {
			continue
		}
		l, err := transport.Listen(p.addr)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("--%s: %w", p.name, err), closePorts(ports))
		}
		by := p.via
		if isUnix(p.addr) {
			by = viaUnix
		}
		ports = append(ports, port{l, by})
	}
	return ports, nil
}

// IsPort reports whether a text is a port of TCP: a number, or the name of a service.
func IsPort(text string) bool {
	_, err := net.LookupPort("tcp", text)
	return err == nil
}

// isUnix reports whether an address is that of a Unix socket.
func isUnix(addr string) bool { return strings.HasPrefix(addr, transport.UnixPrefix) }

// closePorts stops listening.
func closePorts(ports []port) (err error) {
	for _, p := range ports {
		err = errors.Join(err, p.listener.Close())
	}
	return err
}

// Addr returns the first address that is listened on: that of Config.Listen unless it is off, and
// of two that of IPv4. It is nil in a simulation.
func (e *Engine) Addr() net.Addr {
	if len(e.ports) == 0 {
		return nil
	}
	return e.ports[0].listener.Addr()
}

// AddrTLS returns the address that is served over TLS, or nil.
func (e *Engine) AddrTLS() net.Addr {
	for _, p := range e.ports {
		if p.via == viaTLS {
			return p.listener.Addr()
		}
	}
	return nil
}

// Addrs returns all addresses that are listened on, as words.
func (e *Engine) Addrs() string {
	var all []string
	for _, p := range e.ports {
		words := p.listener.String()
		if p.via == viaTLS {
			words += " over TLS"
		}
		all = append(all, words)
	}
	return strings.Join(all, " and ")
}

// accept takes connections until the listeners are closed by stop, on a goroutine per address.
func (e *Engine) accept(server *transport.Server) {
	var wg sync.WaitGroup
	var all []*transport.Acceptor
	proxies := transport.NewProxies(e.cfg.ProxyFrom)
	for _, p := range e.ports {
		g := &gate{e: e, via: p.via}
		var secure *transport.Handshakes
		if p.via == viaTLS {
			secure = transport.NewHandshakes(e.cfg.TLS, g, server, e.handshakeWork)
			defer secure.Stop()
		}
		for _, l := range p.listener {
			a := transport.NewAcceptor(l, server, g, sparesMax())
			a.TLS, a.Proxies = secure, proxies
			all = append(all, a)
		}
	}
	e.catching.accept.Store(&all)
	for _, a := range all {
		wg.Go(a.Run)
	}
	wg.Wait()
}

// validatePorts returns the problems of the addresses.
func (c *Config) validatePorts() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, p := range []struct{ name, addr, off string }{{"listen", c.Listen, ListenOff}, {"tls-listen", c.TLSListen, ""}} {
		if p.addr == p.off || isUnix(p.addr) {
			continue
		}
		host, number, err := net.SplitHostPort(p.addr)
		switch {
		case err != nil:
			bad("%s: %q is not host:port", p.name, p.addr)
		case !IsPort(number):
			bad("%s: %q has no port from 0 to 65535", p.name, p.addr)
		case !isLoopback(host) && len(c.Credentials) == 0 && !c.InsecureNoAuth:
			bad("%s: %q is not a loopback address and no tokens are configured: "+
				"give a token file, or --insecure-no-auth if everybody who reaches the port may lock", p.name, p.addr)
		}
	}
	switch {
	case isUnix(c.TLSListen):
		bad("tls-listen: a Unix socket needs no TLS: give it to --listen")
	case c.Listen == ListenOff && c.TLSListen == "":
		bad("listen: it is off, and there is no --tls-listen: no client could connect")
	case c.TLSListen != "" && c.TLS == nil:
		bad("tls-listen: it needs a certificate and its key: --tls-cert and --tls-key")
	}
	return errs
}
