// Command floor is the smallest server that gnet allows: it answers OK to every command without
// looking at it, with one write per read. Its cost is that of the network and the event loop. The
// cost of a lock server above it is the server's own.
//
//	floor --listen 127.0.0.1:0 --form text|resp
//
// It takes connections as package engine does: an accept loop of its own hands them to gnet's
// loops, with the same options. It prints its address. With --until-eof it ends when its standard
// input does, so that a harness that dies takes it along.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"

	"github.com/panjf2000/gnet/v2"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address, host:port")
	form := flag.String("form", "text", "text: OK for each line, resp: +OK for each array")
	loops := flag.Int("loops", runtime.GOMAXPROCS(0), "event loops")
	untilEOF := flag.Bool("until-eof", false, "end when standard input ends")
	flag.Parse()
	l, err := net.Listen("tcp", *listen)
	if err == nil {
		fmt.Println(l.Addr())
		if *untilEOF {
			go func() {
				_, _ = io.Copy(io.Discard, os.Stdin) // its end is what counts
				l.Close()
			}()
		}
		err = serve(l, *form, *loops)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

// serve answers until the listener is closed.
func serve(l net.Listener, form string, loops int) error {
	f := &floor{end: '\n', reply: "OK\n"}
	if form == "resp" {
		// No name or service of the harness has a star, so it counts commands.
		f.end, f.reply = '*', "+OK\r\n"
	}
	client, err := gnet.NewClient(f, gnet.WithNumEventLoop(loops), gnet.WithTCPNoDelay(gnet.TCPNoDelay),
		gnet.WithLogger(quiet{}))
	if err == nil {
		err = client.Start()
	}
	if err != nil {
		return err
	}
	defer client.Stop()
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err == nil {
			_, err = client.Enroll(conn)
		}
		if err != nil {
			return err
		}
	}
}

// floor answers as many times as the end of a command comes. Its replies are made in one buffer per
// connection, because two loops may run at the same time.
type floor struct {
	gnet.BuiltinEventEngine
	end   byte
	reply string
}

func (f *floor) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	c.SetContext(new([]byte))
	return nil, gnet.None
}

func (f *floor) OnTraffic(c gnet.Conn) gnet.Action {
	in, err := c.Next(-1)
	out := c.Context().(*[]byte)
	*out = (*out)[:0]
	// The floor finds each end, because a server has to. Counting all ends together is cheaper.
	for i := bytes.IndexByte(in, f.end); i >= 0; i = bytes.IndexByte(in, f.end) {
		*out = append(*out, f.reply...)
		in = in[i+1:]
	}
	if err == nil && len(*out) > 0 {
		_, err = c.Write(*out)
	}
	if err != nil {
		return gnet.Close
	}
	return gnet.None
}

// quiet drops gnet's messages, most of which are about ended connections.
type quiet struct{}

func (quiet) Debugf(string, ...any) {}
func (quiet) Infof(string, ...any)  {}
func (quiet) Warnf(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(string, ...any) {}
