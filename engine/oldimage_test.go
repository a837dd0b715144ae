package engine

import (
	"testing"
	"time"

	"dlm/codec"
	"dlm/engine/snapshot"
	"dlm/table"
)

// TestAnOldImageKeepsItsShards starts from an image of format version 1, in which names have other
// shards, goes on, and hands what it has to a backup.
func TestAnOldImageKeepsItsShards(t *testing.T) {
	dir := t.TempDir()
	writeOldImage(t, dir, "lock:00000000000042", 900)
	s := mustStart(t, dir, nil)
	s.want("HEARTBEAT lock:00000000000042 svc-1 TOKEN 900", "OK token=900 count=1")
	s.want("ACQUIRE lock:00000000000042 svc-2 0", "ERROR TIMEOUT")
	s.advance(20 * time.Second)
	s.want("STATUS lock:00000000000042", "OK state=free")
	if token := tokenOf(t, s.ask("ACQUIRE lock:00000000000042 svc-2 0")); token <= 900 {
		t.Errorf("token %d after 900", token)
	}
	s.cleanStop()

	s = mustStart(t, dir, nil)
	s.want("STATUS lock:00000000000042", "OK state=held")
	if h := s.e.served.Load().header; !h.OldHash || h.Holds != 1 {
		t.Errorf("the next image: %+v", h)
	}
	s.want("RELEASE lock:00000000000042 svc-2", "OK")
	s.want("ACQUIRE b svc-2 0", "OK")
	s.image()
	b := newBackup(t, dir, t.TempDir())
	if err := b.follow(); err != nil {
		t.Fatal(err)
	}
	b.want("STATUS b", "OK state=held")
	b.crash()
	s.crash()
}

// writeOldImage writes an image of format version 1 with one hold of svc-1.
func writeOldImage(t *testing.T, dir, name string, token codec.Token) {
	t.Helper()
	const seed = 42
	w, err := snapshot.Create(dir, snapshot.Header{Lineage: snapshot.Lineage{1}, Start: 1, Number: 1, Seed: seed, OldHash: true,
		WallTime: time.Now().UnixNano(), TokenStart: 100, TokenCeiling: 1000, TTLLimitMs: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	old := table.New(table.Config{Seed: seed, OldHash: true})
	shard := old.Shard(old.Hash([]byte(name))).Number()
	var img codec.ShardImage
	for i := range table.Shards {
		img.Reset(uint8(i), 950, 100)
		if uint8(i) == shard {
			img.Append(&codec.HoldImage{Token: token, Deadline: 1e9, TTLMs: 10_000, Count: 1, Name: []byte(name), Service: []byte("svc-1")})
		}
		if err := w.Shard(&img); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}
