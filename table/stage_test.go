package table

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"dlm/codec"
)

// stage is what a script runs on: a table, virtual time from 0 on, and a ticker. A script names a
// wait or hold by its label, which is the service id unless as= gave another.
type stage struct {
	t      *testing.T
	at     string // command being run, for failures
	table  *Table
	start  codec.Token
	now    int64
	fx     Effects
	events []string // one line for each event of the tap; "" stands for the command's own result
	froms  []Origin // of each event
	kinds  []EventKind
	last   uint32 // ticket of the last ACQUIRE
	ticket uint32 // of the ACQUIRE being run; 0: none
	labels map[uint32]string
	waits  map[string]WaiterRef
	holds  map[string]HoldRef
	saved  *savedImage
	shard  int // the place of the listing
	rec    uint32
}

func newStage(t *testing.T) *stage {
	st := &stage{t: t}
	st.reset(nil)
	return st
}

// reset gives the stage an empty table with the limits of args.
func (st *stage) reset(args map[string]string) {
	number := func(key string, otherwise int) int {
		if v, ok := args[key]; ok {
			n, err := strconv.Atoi(v)
			st.check(err)
			return n
		}
		return otherwise
	}
	*st = stage{t: st.t, at: st.at, labels: map[uint32]string{}, waits: map[string]WaiterRef{}, holds: map[string]HoldRef{}}
	if _, ok := args["tokens-left"]; ok {
		st.start = codec.TokenMax - codec.Token(number("tokens-left", 0))
	}
	st.table = New(Config{
		TokenStart: st.start, TTLMs: 30_000, LocksMax: number("locks", 1000),
		WaitersMax: number("waiters", 1000), WaitersPerLockMax: number("waiters-per-lock", 1000),
		RequestsMax: number("requests", 100_000), Tap: st.tap,
	})
}

func (st *stage) check(err error) {
	if err != nil {
		st.t.Helper()
		st.t.Fatalf("%s: %v", st.at, err)
	}
}

// short shows a long string of one byte as byte*length.
func short(b []byte) string {
	if len(b) > 40 && bytes.Count(b, b[:1]) == len(b) {
		return fmt.Sprintf("%c*%d", b[0], len(b))
	}
	return string(b)
}

// long is the reverse of short.
func long(s string) []byte {
	if c, n, ok := strings.Cut(s, "*"); ok && len(c) == 1 {
		if n, err := strconv.Atoi(n); err == nil {
			return bytes.Repeat([]byte(c), n)
		}
	}
	return []byte(s)
}

func ms(n int64) string { return (time.Duration(n) * time.Millisecond).String() }

// tap turns an event into a line of output.
func (st *stage) tap(e *Event) {
	word := map[EventKind]string{EventGrant: "granted", EventReenter: "granted", EventExpire: "expired",
		EventTimeOut: "TIMEOUT", EventRefuse: "LIMIT", EventRetoken: "retokened", EventUpgrade: "upgraded", EventDisplace: "CANCELED"}[e.Kind]
	line := ""
	own := word == "" || (e.Kind == EventGrant || e.Kind == EventReenter || e.Kind == EventUpgrade) && e.From.Ticket == st.ticket
	if !own {
		who := short(e.Service)
		if label := st.labels[e.From.Ticket]; e.From.Ticket != 0 && label != who {
			who += "/" + label
		}
		line = fmt.Sprintf("%s %s %s", word, short(e.Name), who)
		if e.Kind == EventExpire || e.Kind == EventRetoken {
			line += fmt.Sprintf(" token=%d", e.Token-st.start)
		}
	}
	st.events = append(st.events, line)
	st.froms = append(st.froms, e.From)
	st.kinds = append(st.kinds, e.Kind)
}

// flush returns the lines of a call in their order, with the command's own result in its place. It
// checks that each end of a wait that the tap saw is an effect too.
func (st *stage) flush(prefix, result string) (lines []string) {
	for i, line := range st.events {
		if line == "" {
			line, result = result, ""
		} else if st.kinds[i] != EventExpire && st.kinds[i] != EventRetoken {
			if len(st.fx.List) == 0 || st.fx.List[0].To != st.froms[i] {
				st.t.Fatalf("%s: %q has not the effect in its place: %+v", st.at, line, st.fx.List)
			}
			e := st.fx.List[0]
			st.fx.List = st.fx.List[1:]
			if e.Code == codec.NotHeld {
				line = strings.Replace(line, "LIMIT", "NOTHELD", 1)
			}
			if e.Code == codec.Recovering {
				line = strings.Replace(line, "TIMEOUT", "RECOVERING", 1)
			}
			if owner, heldMs := st.table.ShardAt(int(e.Hold.Shard)).Holder(st.now, e.Hold, nil); e.Code == codec.Timeout && len(owner) > 0 {
				line += fmt.Sprintf(" owner=%s held=%s", short(owner), ms(heldMs))
			}
			if e.Code == codec.OK {
				line += fmt.Sprintf(" token=%d count=%d lease=%s waited=%s", e.Hold.Token-st.start, e.Count, ms(e.LeaseMs), ms(int64(e.WaitedMs)))
				st.holds[st.labels[e.To.Ticket]] = e.Hold
			}
		}
		if line != "" {
			lines = append(lines, prefix+line)
		}
	}
	if result != "" {
		lines = append(lines, prefix+result)
	}
	if len(st.fx.List) > 0 {
		st.t.Fatalf("%s: effects without an event: %+v", st.at, st.fx.List)
	}
	st.events, st.froms, st.kinds, st.fx.List = nil, nil, nil, nil
	return lines
}

// advance runs the ticker up to now+d. The ticker runs when something is due, and asks which shards
// are. Each line begins with its time.
func (st *stage) advance(d time.Duration) (lines []string) {
	to := st.now + int64(d)
	for {
		next := uint64(math.MaxUint64)
		for i := range st.table.due {
			next = min(next, st.table.due[i].Load())
		}
		if st.table.Next() > int64(min(next, math.MaxInt64/nsPerTick)*nsPerTick) {
			st.t.Fatalf("%s: Next passes over what is due at tick %d", st.at, next)
		}
		if st.table.Survey(); tickAt(st.table.Next()) != min(next, math.MaxInt64/nsPerTick) {
			st.t.Fatalf("%s: Next is not exact after Survey: %d, want tick %d", st.at, st.table.Next(), next)
		}
		if next > tickAt(to) {
			st.now = to
			return lines
		}
		st.now = max(st.now, int64(next)*nsPerTick)
		for i := range Shards {
			for st.table.Due(i, st.now) {
				s := st.table.ShardAt(i)
				s.Lock()
				s.Advance(st.now, 7, &st.fx)
				s.Unlock()
			}
		}
		lines = append(lines, st.flush(time.Duration(st.now).String()+": ", "")...)
	}
}
