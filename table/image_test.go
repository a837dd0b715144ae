package table

import (
	"fmt"
	"testing"

	"dlm/codec"
)

// TestClaimsWhileExporting claims a hold between two pieces of an export in a grace. The lock was
// held in another mode before. The image can be loaded, and knows the claim.
func TestClaimsWhileExporting(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after share
	}{
		{"shared after exclusive", exclusive, shared},
		{"a permit after exclusive", exclusive, 2},
		{"exclusive after shared", shared, exclusive},
		{"a permit after shared", shared, 2},
		{"shared after permits", 2, shared},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := Config{Seed: 1, TTLMs: 30_000, LocksMax: 100, WaitersMax: 10, WaitersPerLockMax: 10}
			var fx Effects
			name, hash := []byte("a"), New(config).Hash([]byte("a"))
			apply := func(tab *Table, verb codec.Verb, service string, opts codec.Opts, token codec.Token, a share) Result {
				cmd := &codec.Command{Verb: verb, Name: name, Service: []byte(service), Opts: opts, Token: token, Count: 1}
				describeShare(cmd, a)
				return *tab.Shard(hash).Apply(1, hash, cmd, Origin{}, &fx)
			}
			export := func(tab *Table, between func()) *codec.ShardImage {
				img, at := &codec.ShardImage{}, ExportCursor{}
				for !tab.Shard(hash).Export(&at, 1, tab.Shard(hash).GraceRuns(), img) {
					if img.Len() > 0 {
						between()
						between = func() {}
					}
				}
				if err := img.Check(); err != nil {
					t.Fatal(err)
				}
				return img
			}
			restart := func(img *codec.ShardImage) *Table {
				config.TokenStart += 100
				tab := New(config)
				if err := tab.Shard(hash).Import(img, Recovery{Grace: 1e10}); err != nil {
					t.Fatal(err)
				}
				return tab
			}
			tab := New(config)
			apply(tab, codec.VerbAcquire, "x", 0, 0, c.before)
			tab = restart(export(tab, func() {}))
			img := export(tab, func() {
				if r := apply(tab, codec.VerbHeartbeat, "y", codec.OptToken|codec.OptCount, 50, c.after); r.Code != codec.OK {
					t.Fatal(r.Code)
				}
			})
			tab = restart(img)
			if l := peek(tab, name); l.holdOf("y") == nil || l.holdOf("x") != nil && l.holdOf("x").count > 0 || l.share != c.after {
				t.Errorf("%+v", l)
			}
		})
	}
}

// TestExportOfManyRequestsAlone exports a shard that has more ended requests than one piece, and
// never had a lock.
func TestExportOfManyRequestsAlone(t *testing.T) {
	g := newRequester(t, 1<<20)
	name := namesIn(g.tab, 77, 1)[0]
	for i := range 10 {
		s, hash, cmd := g.command(codec.VerbCancel, name, fmt.Sprint("s", i), "1", 0)
		s.CancelRequest(g.now, hash, cmd, &g.fx)
	}
	var img codec.ShardImage
	at := ExportCursor{}
	for calls := 1; !g.tab.ShardAt(77).Export(&at, 3, false, &img); calls++ {
		if calls > 10 {
			t.Fatal("it does not end")
		}
	}
	if img.RequestCount() != 10 {
		t.Errorf("%d requests", img.RequestCount())
	}
}
