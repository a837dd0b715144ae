package durability

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dlm/engine/snapshot"
	"dlm/internal/testflag"
)

// patient is a promotion that waits for a primary that answers.
var patient = PromoteRequest{Wait: testflag.Patience}

// TestOnlyOneBackupTakesOver, and that one may try again.
func TestOnlyOneBackupTakesOver(t *testing.T) {
	one := t.TempDir()
	p := openStore(t, one, nil)
	must(t, p.WriteImage())
	b, other := openBackupOf(t, one+"/"), openBackupOf(t, one+"/")
	must(t, b.FollowOnce(t.Context()))
	must(t, other.FollowOnce(t.Context()))
	must(t, p.Finish())
	again := b.follower.Load().source
	if _, err := b.Promote(t.Context(), patient); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Promote(t.Context(), patient); err == nil || !strings.Contains(err.Error(), "another backup has taken over") {
		t.Errorf("two backups were promoted: %v", err)
	}
	if _, err := again.stepDown(t.Context(), ""); err != nil {
		t.Errorf("the one that took over asks again: %v", err)
	}
}

// TestStepDownIsForOneBackup: by HTTP, too, while the old primary lingers.
func TestStepDownIsForOneBackup(t *testing.T) {
	p := openStore(t, t.TempDir(), nil)
	go func() { // Serve, in short
		<-p.SteppedDown()
		_ = p.Finish() // StepDown returns the error
	}()
	mine, other := snapshot.Lineage{1}, snapshot.Lineage{2}
	last, err := p.StepDown(t.Context(), mine.String())
	if err != nil || !snapshot.IsName(last) {
		t.Fatalf("%q %v", last, err)
	}
	if _, err := p.StepDown(t.Context(), other.String()); err == nil || !strings.Contains(err.Error(), "another backup") {
		t.Errorf("confirmed to a second backup: %v", err)
	}
	if again, err := p.StepDown(t.Context(), mine.String()); err != nil || again != last {
		t.Errorf("asked again: %q %v", again, err)
	}
	if start, err := snapshot.ReadStart(p.cfg.DataDir); err != nil || start.State != snapshot.SteppedDown || start.Successor != mine {
		t.Errorf("%+v %v", start, err)
	}
}

// TestStopEndsPromotion that waits for a primary which does not answer.
func TestStopEndsPromotion(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-release
	}))
	defer silent.Close()
	defer close(release)
	one := t.TempDir()
	must(t, openStore(t, one, nil).WriteImage())
	b := openBackupOf(t, one+"/")
	must(t, b.FollowOnce(t.Context()))
	b.follower.Load().source = newSource(&Settings{BackupOf: silent.URL}, snapshot.Lineage{})
	go func() {
		<-asked
		b.Stop()
	}()
	if _, err := b.Promote(t.Context(), patient); err == nil || !strings.Contains(err.Error(), "it still stops") {
		t.Errorf("promoted: %v", err)
	}
}

// lastOnce is a primary that leaves when its last image has been fetched once, as by HTTP. The
// fetch lasts until the backup wants no more of it.
type lastOnce struct {
	source
	f     *follower
	begun chan struct{} // closed by the first fetch
	gone  bool
}

func (o *lastOnce) fetch(ctx context.Context, have *snapshot.Header, dir string) (fetched, error) {
	if o.gone {
		return fetched{}, errGone
	}
	o.gone = true
	got, err := o.source.fetch(ctx, have, dir)
	close(o.begun)
	select {
	case <-ctx.Done():
		return fetched{}, ctx.Err()
	case <-o.f.enough:
		return got, err
	}
}

// TestLastImageThatIsOnItsWayIsKept: the goroutine "follower" fetches it when the promotion begins.
func TestLastImageThatIsOnItsWayIsKept(t *testing.T) {
	one := t.TempDir()
	p := openStore(t, one, nil)
	must(t, p.WriteImage())
	b := openBackupOf(t, one+"/")
	must(t, b.FollowOnce(t.Context()))
	acquire(t, p, "late")
	must(t, p.Finish())
	f := b.follower.Load()
	last := &lastOnce{source: f.source, f: f, begun: make(chan struct{})}
	f.source = last
	b.Start()
	defer b.Stop()
	<-last.begun
	line, err := b.Promote(t.Context(), patient)
	if err != nil || !strings.Contains(line, "clean stop") || b.State().Holds != 1 {
		t.Errorf("%q, %v, %d holds", line, err, b.State().Holds)
	}
}

// TestStopRefusesEveryPromotion: also the next one, which has waited for the first.
func TestStopRefusesEveryPromotion(t *testing.T) {
	one := t.TempDir()
	p := openStore(t, one, nil)
	must(t, p.WriteImage())
	must(t, p.Finish())
	b := openBackupOf(t, one+"/")
	must(t, b.FollowOnce(t.Context()))
	b.Start()
	b.Stop()
	for range 2 {
		if _, err := b.Promote(t.Context(), patient); err == nil || !strings.Contains(err.Error(), "the server is stopping") {
			t.Errorf("promoted: %v", err)
		}
	}
}
