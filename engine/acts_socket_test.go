package engine

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"dlm/codec"
	"dlm/engine/audit"
	"dlm/internal/testflag"
)

// stuckDisk is a sink whose writes hang until it is freed.
type stuckDisk struct {
	hangs chan struct{} // a write has begun
	freed chan struct{}
}

func (d *stuckDisk) Write(*audit.Record) error {
	select {
	case d.hangs <- struct{}{}:
	default:
	}
	<-d.freed
	return nil
}
func (*stuckDisk) Reopen() error { return nil }
func (*stuckDisk) Close() error  { return nil }

// talker speaks with a server line by line.
type talker struct {
	t *testing.T
	net.Conn
	in *bufio.Reader
}

func talkTo(t *testing.T, e *Engine) *talker {
	conn, err := net.Dial("tcp", e.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(testflag.Patience))
	return &talker{t, conn, bufio.NewReader(conn)}
}

func (k *talker) send(lines string) {
	if _, err := io.WriteString(k, lines); err != nil {
		k.t.Fatal(err)
	}
}

func (k *talker) receive() string {
	k.t.Helper()
	line, err := k.in.ReadString('\n')
	if err != nil {
		k.t.Fatal(err)
	}
	return line
}

func (k *talker) do(line, want string) {
	k.t.Helper()
	if k.send(line + "\n"); want != "" {
		if got := k.receive(); !strings.HasPrefix(got, want) {
			k.t.Fatalf("%s: got %q, want %q", line, got, want)
		}
	}
}

// TestNoLoopWaitsForTheAudit: while the disk hangs, and acts wait for it, the only loop serves its
// clients, also the one that waits. The acts are refused in the end, and later ones are too, until
// the disk goes on.
func TestNoLoopWaitsForTheAudit(t *testing.T) {
	d := &stuckDisk{hangs: make(chan struct{}, 1), freed: make(chan struct{})}
	l := audit.New(d, slog.New(slog.DiscardHandler))
	l.Start()
	e := serve(t, func(c *Config) {
		withTokens(c)
		c.Loops, c.Audit = 1, l
	})
	t.Cleanup(func() { l.Close(testflag.Patience) }) // before the look at goroutines
	ops, worker := talkTo(t, e), talkTo(t, e)
	worker.do("AUTH l-token", "OK")
	worker.do("ACQUIRE x X 0", "OK")
	ops.do("AUTH a-token", "OK")
	ops.send("FORCE-RELEASE x\n@d DISCONNECT 999 REASON r\n@f FORCE-RELEASE x\n@p PING\n")
	<-d.hangs
	if got := ops.receive(); got != "@p OK\n" {
		t.Errorf("got %q", got)
	}
	for range 1000 {
		worker.do("HEARTBEAT x X", "OK")
	}
	got := []string{ops.receive(), ops.receive(), ops.receive()}
	all := strings.Join(got, "")
	for _, tag := range []string{"", "@d ", "@f "} {
		if want := tag + unaudited + "\n"; !strings.Contains("\n"+all, "\n"+want) {
			t.Errorf("no %q in %q", want, all)
		}
	}
	ops.do("FORCE-RELEASE x", unaudited)
	worker.do("HEARTBEAT x X", "OK")
	if _, failure := l.State(); failure == nil {
		t.Error("nobody is told")
	}
	close(d.freed)
	eventually(t, "acts are refused for ever", func() bool { _, failure := l.State(); return failure == nil })
	ops.do("FORCE-RELEASE x", "OK token=")
	worker.do("HEARTBEAT x X", "ERROR NOTHELD")
}

// TestStopWhileTheAuditHangs: an act that waits does not hold up the stop, and is not done.
func TestStopWhileTheAuditHangs(t *testing.T) {
	d := &stuckDisk{hangs: make(chan struct{}, 1), freed: make(chan struct{})}
	l := audit.New(d, slog.New(slog.DiscardHandler))
	l.Start()
	defer l.Close(testflag.Patience)
	t.Run("a stop", func(t *testing.T) {
		e := serve(t, func(c *Config) {
			withTokens(c)
			c.Loops, c.Audit = 1, l
		})
		ops := talkTo(t, e)
		ops.do("AUTH a-token", "OK")
		ops.do("ACQUIRE x X 0", "OK")
		ops.send("FORCE-RELEASE x\n")
		<-d.hangs
	})
	close(d.freed)
	l.Flush()
	records, _, _ := l.Since(0, 100)
	asked, refused := 0, 0
	for _, r := range records {
		switch {
		case r.Event != audit.ForceRelease:
		case r.Outcome == audit.Asked:
			asked++
		case r.Outcome == audit.Done:
			t.Error("it was done")
		default:
			refused++
		}
	}
	if asked != refused {
		t.Errorf("%d acts, and %d are refused", asked, refused)
	}
}

// TestPanicOfWorkEndsTheWaitForIt: the loop goes on, and so must who has asked it for the work.
func TestPanicOfWorkEndsTheWaitForIt(t *testing.T) {
	e := serve(t, func(c *Config) { c.Loops = 1 })
	worker := talkTo(t, e)
	worker.do("PING", "OK")
	ctx, cancel := context.WithCancel(t.Context())
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		e.reactors[0].onLoop(ctx, func() { cancel(); panic("a fault of the work") })
	}()
	select {
	case <-returned:
	case <-time.After(testflag.Patience):
		t.Fatal("it waits for ever")
	}
	talkTo(t, e).do("PING", "OK")
}

// TestDisconnectThatLoopHasNotTaken: its loop hangs, so it is refused, and is not done later.
func TestDisconnectThatLoopHasNotTaken(t *testing.T) {
	d := &disk{}
	l := audit.New(d, slog.New(slog.DiscardHandler))
	e := serve(t, func(c *Config) {
		withTokens(c)
		c.Loops, c.Audit = 1, l
	})
	worker := talkTo(t, e)
	worker.do("AUTH l-token", "OK")
	hangs, freed := make(chan struct{}), make(chan struct{})
	tell(e.reactors[0], &e.reactors[0].inbox.work, func() { close(hangs); <-freed })
	<-hangs
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	code := e.Disconnect(ctx, e.numbered.Load(), []byte("r"), "boss", "here")
	close(freed)
	worker.do("PING", "OK")
	l.Flush()
	if got := strings.Join(d.records, "; "); code == codec.OK || !strings.HasSuffix(got, " CANCELED") {
		t.Errorf("%v, %q", code, got)
	}
}
