package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// bindTries is how often port 0 may find a port that is free on one family of
// addresses and taken on the other.
const bindTries = 16

// ErrAddressInUse is returned by Listen when another process listens on the address.
var ErrAddressInUse = errors.New("address already in use")

// Listener listens on one address, or on both addresses of localhost. It is made by Listen. Its
// elements are one listener, or those of 127.0.0.1 and ::1 in this order.
type Listener []net.Listener

// Listen binds host:port, or a Unix socket if the address begins with UnixPrefix. The host
// localhost is 127.0.0.1 and ::1, because clients try
// either first; a family that the machine does not have is left out. Port 0 takes a
// port that is free on both. An address that is taken is ErrAddressInUse.
func Listen(addr string) (Listener, error) {
	if path, ok := unixPath(addr); ok {
		return listenUnix(path)
	}
	return listenWith(bindKeepingAlive, addr)
}

// keepAlive is how a peer is noticed that has vanished without a word, and to which nothing is
// sent: after 30 s, as long as a lease by default. Go's own settings take 150 s, for which it
// would keep its place in queues. A quarter of a minute without traffic costs 10,000 idle
// connections 700 small packets a second.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

func bindKeepingAlive(network, addr string) (net.Listener, error) {
	config := net.ListenConfig{KeepAliveConfig: keepAlive}
	return config.Listen(context.Background(), network, addr)
}

// listenWith is Listen with the function that binds one address.
func listenWith(bind func(network, addr string) (net.Listener, error), addr string) (Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if host != "localhost" {
		l, err := bind("tcp", addr)
		if err != nil {
			return nil, bindError(addr, err)
		}
		return Listener{l}, nil
	}
	for try := 1; ; try++ {
		l, err := listenLocalhost(bind, port)
		if err == nil || try == bindTries || port != "0" || !errors.Is(err, ErrAddressInUse) {
			return l, err
		}
	}
}

// listenLocalhost binds both addresses of localhost, or the one that there is.
func listenLocalhost(bind func(network, addr string) (net.Listener, error), port string) (Listener, error) {
	var each Listener
	var missing error
	for _, host := range []string{"127.0.0.1", "::1"} {
		addr := net.JoinHostPort(host, port)
		l, err := bind("tcp", addr)
		switch {
		case err == nil:
			each = append(each, l)
			_, port, err = net.SplitHostPort(l.Addr().String()) // port 0 is the same on both
			if err != nil {
				panic("BUG: the address of a listener has no port")
			}
		case noSuchFamily(err):
			missing = bindError(addr, err)
		default:
			_ = each.Close() // the error that counts is the other
			return nil, bindError(addr, err)
		}
	}
	if len(each) == 0 {
		return nil, missing
	}
	return each, nil
}

// noSuchFamily reports whether the machine has no address of this family.
func noSuchFamily(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) ||
		errors.Is(err, syscall.EPROTONOSUPPORT)
}

func bindError(addr string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen on %s: %w", addr, ErrAddressInUse)
	}
	advice := ""
	switch {
	case errors.Is(err, os.ErrPermission):
		advice = ": ports below 1024 need the capability CAP_NET_BIND_SERVICE, and a socket a directory in which this user may write"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		advice = ": this machine does not have the address"
	case errors.Is(err, os.ErrNotExist):
		advice = ": make the directory of the socket"
	}
	var of *net.OpError
	if errors.As(err, &of) { // its words repeat the address
		err = of.Err
	}
	return fmt.Errorf("listen on %s: %w%s", addr, err, advice)
}

// Close stops listening on all addresses.
func (l Listener) Close() (err error) {
	for _, one := range l {
		err = errors.Join(err, one.Close())
	}
	return err
}

// Addr returns the address, of two that of IPv4.
func (l Listener) Addr() net.Addr { return l[0].Addr() }

// String returns all addresses.
func (l Listener) String() string {
	var all []string
	for _, one := range l {
		all = append(all, one.Addr().String())
	}
	return strings.Join(all, " and ")
}
