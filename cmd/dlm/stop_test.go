package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dlm/cmd/dlm/admin"
	"dlm/engine"
	"dlm/engine/durability"
	"dlm/engine/snapshot"
	"dlm/table"
)

// hangingServer returns a server whose only loop hangs, with a shard's mutex held, when it is asked
// for a lock. hangs is closed then. The loop goes on when hang is closed.
func hangingServer(t *testing.T, dir string, stopWait time.Duration) (server *engine.Engine, hangs, hang chan struct{}) {
	t.Helper()
	hang, hangs = make(chan struct{}), make(chan struct{})
	server, err := engine.New(engine.Config{Listen: "127.0.0.1:0", Loops: 1, Settings: durability.Settings{DataDir: dir}, StopWait: stopWait,
		Log: slog.New(slog.DiscardHandler), Tap: func(*table.Event) { close(hangs); <-hang }})
	if err != nil {
		t.Fatal(err)
	}
	return server, hangs, hang
}

func askForALock(t *testing.T, server *engine.Engine) {
	t.Helper()
	conn, err := net.Dial("tcp", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := conn.Write([]byte("ACQUIRE l me 0\n")); err != nil {
		t.Fatal(err)
	}
}

// TestEchoOfSignalIsNoSecondOne: a signal that comes twice leaves the stop clean. A second one,
// some time later, kills.
func TestEchoOfSignalIsNoSecondOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, signal := context.WithCancel(t.Context())
		var kills atomic.Bool
		afterEchoes(ctx, func() { kills.Store(true) })
		time.Sleep(time.Hour)
		if kills.Load() {
			t.Fatal("the first signal kills")
		}
		signal()
		time.Sleep(signalEcho - time.Nanosecond)
		if kills.Load() {
			t.Error("an echo kills")
		}
		time.Sleep(1 * time.Nanosecond)
		synctest.Wait()
		if !kills.Load() {
			t.Error("no second signal kills")
		}
	})
}

// TestStopEndsThoughLoopHangs: the stop fails, says what hung, and names no clean image.
func TestStopEndsThoughLoopHangs(t *testing.T) {
	dir := t.TempDir()
	server, hangs, hang := hangingServer(t, dir, 400*time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serveBounded(ctx, server, nil, nil) }()
	askForALock(t, server)
	<-hangs
	cancel()
	var err error
	select {
	case err = <-ended:
	case <-time.After(eventually):
		t.Fatal("the stop has no bound")
	}
	if err == nil || !strings.Contains(err.Error(), "--stop-timeout") || !strings.Contains(err.Error(), "loop 0 does not answer") {
		t.Errorf("the stop: %v", err)
	}
	start, err := snapshot.ReadStart(dir)
	if err != nil || start.CleanImage != "" {
		t.Errorf("clean image %q, %v", start.CleanImage, err)
	}
	close(hang) // the abandoned work ends before its directory is removed
	for server.StopsAt() != "" {
		time.Sleep(time.Millisecond)
	}
}

// TestLivezFailsWhileLoopHangs, and succeeds again after that.
func TestLivezFailsWhileLoopHangs(t *testing.T) {
	server, hangs, hang := hangingServer(t, "", time.Minute)
	side, err := admin.Listen("127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serveBounded(ctx, server, side, nil) }()
	livez := func() int {
		res, err := http.Get("http://" + side.Addr().String() + "/livez")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	if code := livez(); code != 200 {
		t.Errorf("before it hangs: %d", code)
	}
	askForALock(t, server)
	<-hangs
	waitUntil(t, "/livez fails", func() bool { return livez() == 503 })
	close(hang)
	waitUntil(t, "/livez is well again", func() bool { return livez() == 200 })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWhatIsWorkedOnHasBoundOnceItIsToStop(t *testing.T) {
	stop, failure := make(chan struct{}), errors.New("disk full")
	bound := func() time.Duration { return time.Millisecond }
	hangsAt := func() string { return "a disk" }
	if n, err := within(stop, bound, hangsAt, func() (int, error) { return 1, failure }); n != 1 || !errors.Is(err, failure) {
		t.Errorf("before a stop: %d, %v", n, err)
	}
	close(stop)
	hang := make(chan struct{})
	defer close(hang)
	_, err := within(stop, bound, hangsAt, func() (int, error) { <-hang; return 1, nil })
	if err == nil || !strings.Contains(err.Error(), "it was waiting for a disk") {
		t.Errorf("of what hangs: %v", err)
	}
	generous := func() time.Duration { return eventually }
	if n, err := within(stop, generous, hangsAt, func() (int, error) { return 2, nil }); n != 2 || err != nil {
		t.Errorf("in time: %d, %v", n, err)
	}
}
