package table

import (
	"testing"

	"dlm/codec"
)

// TestRequestsWhileExporting ends or changes holds between two pieces of an export. Each request is
// in the image at most as often as its hold was, and the last state counts.
func TestRequestsWhileExporting(t *testing.T) {
	for _, c := range []struct {
		name      string
		verb      codec.Verb
		opts      codec.Opts
		outcome   string
		exclusive bool
	}{
		{"a hold that is released", codec.VerbRelease, 0, "endedreleased", true},
		{"a hold that is forced", codec.VerbForceRelease, 0, "endedforced", true},
		{"a hold that becomes shared", codec.VerbDowngrade, codec.OptUpgrade, "granted", true},
		{"a shared hold that is released", codec.VerbRelease, 0, "endedreleased", false},
		{"a shared hold that becomes exclusive", codec.VerbUpgrade, codec.OptUpgrade, "unknown", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newRequester(t, 1<<20)
			name := namesIn(g.tab, 77, 1)[0]
			s, hash, cmd := g.command(codec.VerbAcquire, name, "s", "1", 0)
			if !c.exclusive {
				cmd.Opts |= codec.OptShared
			}
			s.Apply(g.now, hash, cmd, Origin{}, &g.fx)
			var img codec.ShardImage
			at := ExportCursor{}
			s.Export(&at, 1, false, &img)
			for c.exclusive && img.Len() == 0 {
				s.Export(&at, 1, false, &img)
			}
			_, _, cmd = g.command(c.verb, name, "s", "", 0)
			cmd.Opts |= c.opts
			if r := s.Apply(g.now, hash, cmd, Origin{}, &g.fx); r.Code != codec.OK {
				t.Fatal(r.Code)
			}
			for !s.Export(&at, 1, false, &img) {
			}
			seed := g.tab.config.Seed
			g.tab = New(Config{Seed: seed, TokenStart: 100, TTLMs: 30_000, LocksMax: 10, WaitersMax: 10, WaitersPerLockMax: 10, RequestsMax: 1 << 20})
			if err := g.tab.ShardAt(77).Import(&img, Recovery{Now: g.now, ImageTime: g.now}); err != nil {
				t.Fatal(err)
			}
			g.want("outcome", g.outcome(name, "s", "1"), c.outcome)
		})
	}
}
