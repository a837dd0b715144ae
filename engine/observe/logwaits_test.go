package observe

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"dlm/codec"
	"dlm/table"
)

// TestLongWaitsAreLogged as they end: who waited for what and how long, and who held it. Names are
// written with their escapes.
func TestLongWaitsAreLogged(t *testing.T) {
	c := newCrowd(0, 0)
	var out bytes.Buffer
	plain := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == "token" {
			return slog.Attr{}
		}
		return a
	}
	o := New(Config{Served: func() Served { return Served{Table: c.t, Now: c.now} }, LogWaitsOver: 2 * time.Second,
		Log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: plain}))})
	shard := func(name string) *table.Shard { return c.t.Shard(c.t.Hash([]byte(name))) }
	logged := func(fx *table.Effects) string {
		out.Reset()
		o.NoteTable(&fx.Notes)
		return strings.TrimSpace(out.String())
	}
	c.do(codec.VerbAcquire, []byte("a\xff"), "holder", 0)
	for _, wait := range []struct {
		ms   uint32
		want string
	}{
		{1980, ""},
		{2000, `msg="timed out after a long wait" event=timeout lock=a\xff owner=waiter waited_ms=2010 holder=holder`},
	} {
		c.do(codec.VerbAcquire, []byte("a\xff"), "waiter", wait.ms)
		c.now += int64(wait.ms+10) * nsPerMs // the wheel turns in steps
		var fx table.Effects
		shard("a\xff").Advance(c.now, 10, &fx)
		if got := logged(&fx); got != wait.want {
			t.Errorf("after %d ms: %s, want %s", wait.ms, got, wait.want)
		}
	}
	c.do(codec.VerbAcquire, []byte("a\xff"), "waiter", 60_000)
	c.now += 3000 * nsPerMs
	var fx table.Effects
	release := &codec.Command{Verb: codec.VerbRelease, Name: []byte("a\xff"), Service: []byte("holder")}
	shard("a\xff").Apply(c.now, c.t.Hash(release.Name), release, table.Origin{}, &fx)
	if got, want := logged(&fx), `msg="granted after a long wait" event=slow lock=a\xff owner=waiter waited_ms=3000`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	c.do(codec.VerbRelease, []byte("a\xff"), "waiter", 0)
	c.do(codec.VerbAcquire, []byte("a\xff"), "holder", 0)
	for _, wait := range []struct {
		ms   int64
		want string
	}{
		{1999, ""},
		{2000, `msg="refused for a deadlock after a long wait" event=deadlock lock=a\xff owner=waiter waited_ms=2000 holder=holder`},
	} {
		detect := &codec.Command{Verb: codec.VerbAcquire, Name: []byte("a\xff"), Service: []byte("waiter"), WaitMs: 60_000, Opts: codec.OptDetect}
		ref := shard("a\xff").Apply(c.now, c.t.Hash(detect.Name), detect, table.Origin{}, &fx).Waiter
		c.now += wait.ms * nsPerMs
		if _, ok := shard("a\xff").Refuse(c.now, ref, &fx); !ok {
			t.Fatal("the wait is over")
		}
		if got := logged(&fx); got != wait.want {
			t.Errorf("after %d ms: %s, want %s", wait.ms, got, wait.want)
		}
	}
	if rows := o.Events(0, 10, all{}).Rows; len(rows) != 5 { // from a second on
		t.Errorf("%+v", rows)
	}
	for range 20 {
		c.do(codec.VerbAcquire, []byte("a\xff"), "crowd", 2000)
	}
	c.now += 2010 * nsPerMs
	shard("a\xff").Advance(c.now, 100, &fx)
	if got := logged(&fx); strings.Count(got, "timed out") != 8 || !strings.Contains(got, "count=12") {
		t.Errorf("a crowd: %s", got)
	}
}
