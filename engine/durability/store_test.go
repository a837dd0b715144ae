package durability

import (
	"log/slog"
	"testing"
	"time"

	"dlm/codec"
	"dlm/engine/clock"
	"dlm/engine/snapshot"
	"dlm/table"
)

// openStore opens a Store of a directory, as a server does, without goroutines and at table time 0.
func openStore(t *testing.T, dir string, change func(*Config)) *Store {
	t.Helper()
	cfg := Config{Settings: Settings{DataDir: dir, SnapshotInterval: 5 * time.Second, SnapshotKeep: 3, RecoveryGrace: 20 * time.Second},
		Table: table.Config{Shared: true, TTLMs: 10_000, LocksMax: 100, WaitersMax: 100, WaitersPerLockMax: 100},
		Log:   slog.New(slog.DiscardHandler), Wall: time.Now,
		WithExtraProc: func(work func()) { work() }}
	if change != nil {
		change(&cfg)
	}
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.Bind(clock.New(func() int64 { return 0 }, s.State().Table.Pauses()))
	t.Cleanup(func() { _ = s.Abandon() }) // a test may have done it
	return s
}

// openBackupOf opens the Store of a backup of a primary's address or directory.
func openBackupOf(t *testing.T, primary string) *Store {
	t.Helper()
	return openStore(t, t.TempDir(), func(c *Config) { c.BackupOf = primary })
}

// must fails the test for an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// acquire lets a service take a lock.
func acquire(t *testing.T, s *Store, name string) {
	t.Helper()
	tab := s.State().Table
	hash := tab.Hash([]byte(name))
	shard := tab.Shard(hash)
	cmd := codec.Command{Verb: codec.VerbAcquire, Name: []byte(name), Service: []byte("svc")}
	var fx table.Effects
	shard.Lock()
	defer shard.Unlock()
	if r := shard.Apply(0, hash, &cmd, table.Origin{}, &fx); r.Code != codec.OK {
		t.Fatalf("lock %s: %v", name, r.Code)
	}
}

// TestTokenCeilingIsKept checks that START is renewed between images that are far apart, and while
// an image is written. The image has the ceiling of its end.
func TestTokenCeilingIsKept(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, nil)
	is, m := s.State(), s.imager.Load()
	low := func() codec.Token {
		is.Start.TokenCeiling = is.Start.TokenStart + TokenReserve/4
		is.Table.SetTokenCeiling(is.Start.TokenCeiling)
		m.looked = time.Time{}
		return is.Start.TokenCeiling + TokenReserve
	}
	want := low()
	if !m.rest(t.Context(), time.Microsecond) {
		t.Error("the rest was cut short")
	}
	if onDisk, err := snapshot.ReadStart(dir); err != nil || onDisk.TokenCeiling != want {
		t.Errorf("between images: %+v %v, want a ceiling of %d", onDisk, err, want)
	}
	want = low()
	must(t, s.WriteImage())
	if images, _ := s.Images(); images.Header.TokenCeiling != want {
		t.Errorf("the image has a ceiling of %d, want %d", images.Header.TokenCeiling, want)
	}
}
