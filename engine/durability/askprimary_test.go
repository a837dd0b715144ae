package durability

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dlm/engine/snapshot"
)

// dyingPrimary returns an address that resets that many connections and then refuses them, like a
// killed process whose memory takes a while to be freed.
func dyingPrimary(t *testing.T, resets int) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for range resets {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}
		_ = l.Close()
	}()
	return l.Addr().String()
}

// askerOf returns an asker of a primary, and the lines that it has told.
func askerOf(addr string) (*asker, *[]string) {
	lines := new([]string)
	return &asker{source: newSource(&Settings{BackupOf: addr}, snapshot.Lineage{}), primary: addr, tellEvery: time.Millisecond,
		tell: func(line string) { *lines = append(*lines, line) }}, lines
}

// TestPromotionAsksDyingPrimaryAgain until it refuses connections.
func TestPromotionAsksDyingPrimaryAgain(t *testing.T) {
	one := t.TempDir()
	must(t, openStore(t, one, nil).WriteImage())
	b := openBackupOf(t, one+"/")
	must(t, b.FollowOnce(t.Context()))
	b.follower.Load().source = newSource(&Settings{BackupOf: dyingPrimary(t, 3)}, snapshot.Lineage{})
	var lines []string
	_, err := b.Promote(t.Context(), PromoteRequest{Progress: func(line string) { lines = append(lines, line) }})
	must(t, err)
	told := strings.Join(lines, "\n")
	if !wasCut(told) || !strings.Contains(told, "it is asked again") || !strings.Contains(told, "it does not run") || strings.Count(told, "reset by peer") > 1 {
		t.Errorf("told:\n%s", told)
	}
}

// wasCut reports whether a connection was reset, as the client sees it: it may read the end first.
func wasCut(words string) bool {
	return strings.Contains(words, "reset by peer") || strings.Contains(words, "EOF")
}

func TestAskGivesUpWithLastReason(t *testing.T) {
	a, _ := askerOf(dyingPrimary(t, 1_000_000))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a.tell = func(line string) {
		if strings.HasSuffix(line, "it is asked again") {
			cancel()
		}
	}
	if _, err := a.ask(ctx, ""); err == nil || !wasCut(err.Error()) {
		t.Errorf("%v", err)
	}
}

// TestRefusalsAreFinal: a primary that refuses is not asked again; one that stops by itself is.
func TestRefusalsAreFinal(t *testing.T) {
	for status, again := range map[int]bool{http.StatusConflict: false, http.StatusUnauthorized: false, http.StatusServiceUnavailable: true} {
		var asked atomic.Int32
		primary := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if asked.Add(1) > 1 {
				_, _ = w.Write([]byte(snapshot.FileName(1, 2)))
				return
			}
			w.WriteHeader(status)
		}))
		a, _ := askerOf(primary.URL)
		_, err := a.ask(t.Context(), "")
		primary.Close()
		refused := refusal{}
		if again != (err == nil) || again == errors.As(err, &refused) {
			t.Errorf("%d: %v after %d tries", status, err, asked.Load())
		}
	}
}

// TestSilentPrimaryIsTold: a stopped process accepts connections and says nothing.
func TestSilentPrimaryIsTold(t *testing.T) {
	release := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		_, _ = w.Write([]byte(snapshot.FileName(1, 2)))
	}))
	defer silent.Close()
	a, lines := askerOf(silent.URL)
	tell, told := a.tell, 0
	a.tell = func(line string) {
		tell(line)
		if strings.Contains(line, "has not answered for") {
			if told++; told == 3 {
				close(release)
			}
		}
	}
	if last, err := a.ask(t.Context(), ""); err != nil || last != snapshot.FileName(1, 2) || told < 3 {
		t.Errorf("%q %v, told %q", last, err, *lines)
	}
}
