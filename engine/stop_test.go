package engine

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"dlm/engine/durability"
	"dlm/engine/snapshot"
)

// TestStopTellsThatLastImageHangs, and START does not call it clean.
func TestStopTellsThatLastImageHangs(t *testing.T) {
	dir := t.TempDir()
	hang, hangs := make(chan struct{}), make(chan struct{})
	served := make(chan struct{})
	cfg := Config{Listen: "127.0.0.1:0", Loops: 1, Settings: durability.Settings{DataDir: dir, SnapshotInterval: time.Hour}, Log: slog.New(slog.DiscardHandler)}
	cfg.wall = func() time.Time { // the clock is read where an image begins
		select {
		case <-served:
			close(hangs)
			<-hang
		default:
		}
		return time.Now()
	}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	close(served)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Serve(ctx) }()
	cancel()
	<-hangs
	if at := e.StopsAt(); at != stopsAtLast {
		t.Errorf("the stop waits for %q", at)
	}
	if start, err := snapshot.ReadStart(dir); err != nil || start.CleanImage != "" {
		t.Errorf("clean image %q, %v", start.CleanImage, err)
	}
	close(hang)
	if err := <-ended; err != nil || e.StopsAt() != "" {
		t.Errorf("%v, waits for %q", err, e.StopsAt())
	}
	if start, err := snapshot.ReadStart(dir); err != nil || start.CleanImage == "" {
		t.Errorf("no clean image after all, %v", err)
	}
}
