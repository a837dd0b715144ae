package admin

import (
	"fmt"
	"strings"
	"testing"

	"dlm/engine/observe"
)

// TestHoldersOfALock compares the holders of a lock with the answer of HOLDERS, and ends the hold
// of one of them.
func TestHoldersOfALock(t *testing.T) {
	r := newRig(t, withAdminToken)
	p := r.dial()
	const holders, shown = 102, 100
	for i := range holders {
		p.do(fmt.Sprintf("ACQUIRE pool svc-%d 0 TTL %d PERMITS 200 META n=%d", i, 60_000+i, i), "OK")
	}
	p.do("ACQUIRE pool svc-1 0 PERMITS 200", "OK") // it has two permits now
	var v observe.LockView
	if r.get("", "lock?name=pool", &v); v.Mode != "permits" || v.Holders != holders || v.Taken != holders+1 || len(v.Holds) != shown {
		t.Fatalf("%+v", v)
	}
	p.do("HOLDERS pool", fmt.Sprintf("OK lines=%d", holders))
	for i, h := range v.Holds {
		line := p.expect("")
		same := fmt.Sprintf(`service="%s" token=%d count=%d lease_ms=`, h.Service, h.Token, h.Count)
		want := 1
		if i == 1 {
			want = 2
		}
		if string(h.Service) != fmt.Sprint("svc-", i) || h.Count != uint32(want) || !strings.HasPrefix(line, same) ||
			!strings.HasSuffix(line, fmt.Sprintf(`meta="%s"`, h.Meta)) || string(h.Meta) != fmt.Sprint("n=", i) {
			t.Errorf("%+v, and HOLDERS: %s", h, line)
		}
		if h.TTLMs != uint32(60_000+i) || h.LeaseMs <= 0 || h.LeaseMs > int64(h.TTLMs) || h.HeldMs < 0 {
			t.Errorf("%+v", h)
		}
	}
	var done forceAnswer
	third := v.Holds[3]
	if status := r.post("boss", "force-release", fmt.Sprintf(`{"name":"pool","token":%d,"reason":"gone"}`, third.Token), &done); status != 200 || string(done.Owner) != "svc-3" {
		t.Errorf("%d %+v", status, done)
	}
	if r.get("", "lock?name=pool", &v); v.Holders != holders-1 || string(v.Holds[3].Service) != "svc-4" || string(v.Holds[shown-1].Service) != "svc-100" {
		t.Errorf("%+v", v)
	}
}

// TestOneOrNoHolder: an exclusive lock has one, and a free lock an empty list.
func TestOneOrNoHolder(t *testing.T) {
	r := newRig(t, nil)
	var v observe.LockView
	if r.get("", "lock?name=a", &v); v.Holds == nil || len(v.Holds) != 0 {
		t.Errorf("%+v", v)
	}
	r.dial().do("ACQUIRE a svc 0 META m", "OK")
	if r.get("", "lock?name=a", &v); len(v.Holds) != 1 || v.Holds[0].Token != v.Token || string(v.Holds[0].Service) != "svc" || string(v.Holds[0].Meta) != "m" || v.Holds[0].TTLMs != v.TTLMs {
		t.Errorf("%+v", v)
	}
}
