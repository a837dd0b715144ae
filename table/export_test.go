package table

import (
	"fmt"
	"testing"

	"dlm/codec"
)

// restarted returns a shard of a table that has started from img with a grace.
func restarted(t *testing.T, img *codec.ShardImage, start codec.Token, grace int64) (*Table, *Shard) {
	t.Helper()
	table := New(Config{Seed: 7, TokenStart: start, TTLMs: 1000, LocksMax: 1000, WaitersMax: 10, WaitersPerLockMax: 10})
	s := table.ShardAt(int(img.Shard))
	if err := s.Import(img, Recovery{Grace: grace}); err != nil {
		t.Fatal(err)
	}
	return table, s
}

// namesOf returns n names of shard 77.
func namesOf(n int) (names [][]byte) {
	table := New(Config{Seed: 7, LocksMax: 1, WaitersMax: 1, WaitersPerLockMax: 1})
	for i := 0; len(names) < n; i++ {
		if name := fmt.Appendf(nil, "lock-%d", i); table.Hash(name)>>56 == 77 {
			names = append(names, name)
		}
	}
	return names
}

// TestExportWhileSettling exports a shard piece by piece while the end of its grace gives new
// tokens to holds. Each of them was held all the time, so each must be in the image.
func TestExportWhileSettling(t *testing.T) {
	const n = 2 * lockChunkLen
	names := namesOf(n)
	img := codec.ShardImage{Shard: 77, Counter: n}
	for i, name := range names {
		img.Append(&codec.HoldImage{Token: codec.Token(i + 1), TTLMs: 1000, Count: 1, Name: name, Service: []byte("a")})
	}
	table, s := restarted(t, &img, 1000, 1e9)
	var fx Effects
	for _, name := range names {
		s.Apply(5e8, table.Hash(name), &codec.Command{Verb: codec.VerbHeartbeat, Name: name, Service: []byte("a")}, Origin{}, &fx)
	}
	s.Advance(1e9, 1, &fx) // the end of the grace begins
	var out codec.ShardImage
	at := ExportCursor{}
	for pieces := 0; !s.Export(&at, 16, true, &out); pieces++ {
		if pieces == 1 {
			last := names[n-1]
			s.Apply(1e9, table.Hash(last), &codec.Command{Verb: codec.VerbHeartbeat, Name: last, Service: []byte("a")}, Origin{}, &fx)
			s.Apply(1e9, table.Hash(names[n-2]), &codec.Command{Verb: codec.VerbHeartbeat, Name: names[n-2], Service: []byte("a")}, Origin{}, &fx)
		}
		if pieces > 1000 {
			t.Fatal("the export never ends")
		}
	}
	if err := out.Check(); err != nil || out.Len() != n {
		t.Fatalf("%d of %d holds are in the image: %v", out.Len(), n, err)
	}
}

// TestExportAfterSettling exports a shard whose grace has ended after the image was begun. Holds
// that were forced before are over, and a start from the image must not believe them.
func TestExportAfterSettling(t *testing.T) {
	name := namesOf(1)[0]
	table, s := restarted(t, &codec.ShardImage{Shard: 77}, 1000, 1e9)
	hash := table.Hash(name)
	var fx Effects
	claim := &codec.Command{Verb: codec.VerbHeartbeat, Opts: codec.OptToken, Token: 5, Name: name, Service: []byte("a")}
	if r := s.Apply(0, hash, claim, Origin{}, &fx); r.Code != codec.OK {
		t.Fatal(r.Code)
	}
	s.Apply(0, hash, &codec.Command{Verb: codec.VerbForceRelease, Name: name}, Origin{}, &fx)
	grace := s.GraceRuns() // the image is begun
	for s.Advance(1e9, 10, &fx) {
	}
	var out codec.ShardImage
	for at := (ExportCursor{}); !s.Export(&at, 16, grace, &out); {
	}
	table, s = restarted(t, &out, 2000, 1e9)
	if r := s.Apply(0, table.Hash(name), claim, Origin{}, &fx); r.Code == codec.OK {
		t.Fatal("a hold that was forced before the image was begun is believed")
	}
}
