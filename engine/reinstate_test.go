package engine

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"dlm/codec"
	"dlm/engine/durability"
	"dlm/engine/snapshot"
)

// deposedDir returns the directory of a server that was deposed while it held a lock.
func deposedDir(t *testing.T) (dir string, cfg Config) {
	t.Helper()
	dir = t.TempDir()
	cfg = Config{Listen: "127.0.0.1:0", Loops: 1, Settings: durability.Settings{DataDir: dir, SnapshotInterval: time.Hour}, Log: slog.New(slog.DiscardHandler)}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- e.Serve(t.Context()) }()
	if _, err := e.StepDown(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return dir, cfg
}

func TestDeposedDirectoryTellsWayBack(t *testing.T) {
	dir, cfg := deposedDir(t)
	former, err := snapshot.ReadStart(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, backupOf := range []string{"", "127.0.0.1:1"} {
		again := cfg
		again.BackupOf = backupOf
		if _, err := New(again); err == nil || !strings.Contains(err.Error(), "'dlm reinstate "+dir+"'") || !strings.Contains(err.Error(), "held twice") {
			t.Errorf("--backup-of %q: %v", backupOf, err)
		}
	}
	line, err := durability.Reinstate(dir)
	if err != nil || !strings.Contains(line, "recovery grace") {
		t.Fatalf("%q, %v", line, err)
	}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	rec := e.store.State()
	if rec.Grace == 0 {
		t.Error("no grace: a backup may have granted what the image does not know")
	}
	if rec.Start.TokenStart < former.TokenCeiling+2*durability.TokenLeap-codec.Token(durability.TokenReserve) {
		t.Errorf("tokens start at %d, START of the deposed one had %d", rec.Start.TokenStart, former.TokenCeiling)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Serve(ctx); err != nil {
		t.Error(err)
	}
}

func TestOnlyDeposedDirectoryIsReinstated(t *testing.T) {
	dir, cfg := deposedDir(t)
	if _, err := durability.Reinstate(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := durability.Reinstate(dir); err == nil || !strings.Contains(err.Error(), "was not deposed") {
		t.Errorf("twice: %v", err)
	}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := durability.Reinstate(dir); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("while a server has it: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Serve(ctx); err != nil {
		t.Error(err)
	}
	if _, err := durability.Reinstate(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no data directory") {
		t.Errorf("an empty directory: %v", err)
	}
}
