package table

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"dlm/codec"
)

// run executes one line of a script:
//
//	table [tokens-left=] [locks=] [waiters=] [waiters-per-lock=] [requests=]
//	                an empty table at time 0
//	acquire NAME SERVICE [wait=10s] [ttl=5s] [meta=TEXT] [shared] [permits=N] [fresh]
//	        [detect] [queue=N] [req=ID] [conn=N] [as=LABEL]
//	upgrade NAME SERVICE [wait=10s] [token=N] [as=LABEL]      downgrade NAME SERVICE [token=N]
//	release NAME SERVICE [token=N] [all] [req=ID]
//	heartbeat NAME SERVICE [token=N [count=N]] [ttl=5s] [shared] [permits=N]
//	force NAME [token=N]                status NAME         holders NAME [limit=N]
//	refuse LABEL                        the wait was found in a cycle
//	cancel LABEL                        takeback LABEL [keep=5s]
//	lose LABEL [keep=5s]                the connection of the wait is gone
//	cancelreq NAME SERVICE req=ID       outcome NAME SERVICE req=ID
//	advance 5s      time passes and the ticker runs
//	pause 5s        time passes and the ticker does not run
//	list [prefix=P] [contended] [held] [limit=N] [more]      more: go on where the last one ended
//	full on|off     totals
//	image           the state that the next restarts begin with
//	restart 30s     from the image, with so much grace; 0s: as after a clean stop
//
// Tokens are relative to the table's start. c*65 is 65 times the byte c, and
// meta= the empty text.
func (st *stage) run(words []string) []string {
	verb, words := words[0], words[1:]
	args := map[string]string{}
	var pos []string
	for _, w := range words {
		if k, v, ok := strings.Cut(w, "="); ok {
			args[k] = v
		} else {
			pos = append(pos, w)
		}
	}
	switch verb {
	case "table":
		st.reset(args)
		return nil
	case "acquire", "release", "heartbeat", "force", "upgrade", "downgrade":
		return st.apply(verb, pos, args)
	case "status":
		return st.status(long(pos[0]))
	case "holders":
		return st.listHolders(long(pos[0]), args)
	case "cancel":
		ref, result := st.waits[pos[0]], "no such wait"
		if st.table.ShardAt(int(ref.Shard)).Cancel(st.now, ref, &st.fx) {
			result = "canceled"
		}
		return st.flush("", result)
	case "refuse":
		ref, result := st.waits[pos[0]], "no such wait"
		if to, ok := st.table.ShardAt(int(ref.Shard)).Refuse(st.now, ref, &st.fx); ok {
			result = "refused " + st.labels[to.Ticket]
		}
		return st.flush("", result)
	case "lose":
		ref, result := st.waits[pos[0]], "no such wait"
		s := st.table.ShardAt(int(ref.Shard))
		before := s.detached
		if s.Lose(st.now, ref, st.keep(args), &st.fx) {
			result = map[bool]string{false: "canceled", true: "detached"}[s.detached > before]
		}
		return st.flush("", result)
	case "cancelreq":
		return st.cancelRequest(st.command("cancel", pos, args))
	case "outcome":
		return st.outcome(st.command("outcome", pos, args))
	case "takeback":
		hold, result := st.holds[pos[0]], "no change"
		before := st.table.Totals().TakeBacks
		st.table.ShardAt(int(hold.Shard)).TakeBack(st.now, hold, st.keep(args), &st.fx)
		if st.table.Totals().TakeBacks > before {
			result = "taken back"
		}
		return st.flush("", result)
	case "advance":
		return st.advance(st.duration(pos[0]))
	case "pause":
		st.now += int64(st.duration(pos[0]))
		return nil
	case "list":
		return st.list(pos, args)
	case "full":
		st.table.SetMemoryLeft(map[string]int64{"on": 0, "off": 1 << 40}[pos[0]])
		return nil
	case "image":
		st.saved = st.image(3)
		return nil
	case "restart":
		st.restart(st.saved, int64(st.duration(pos[0])))
		return nil
	case "totals":
		return []string{st.totals()}
	}
	st.t.Fatalf("%s: unknown command", st.at)
	return nil
}

// keep returns how long a request keeps its place, 5 s unless the line says otherwise.
func (st *stage) keep(args map[string]string) int64 {
	if v, ok := args["keep"]; ok {
		return int64(st.duration(v))
	}
	return 5e9
}

func (st *stage) cancelRequest(cmd *codec.Command) []string {
	hash := st.table.Hash(cmd.Name)
	r := st.table.Shard(hash).CancelRequest(st.now, hash, cmd, &st.fx)
	switch {
	case r.Code == codec.Limit:
		return st.flush("", "LIMIT "+r.Which.String())
	case r.Code != codec.OK:
		return st.flush("", r.Code.String())
	case r.Was == WasGranted:
		return st.flush("", fmt.Sprintf("was=granted token=%d", r.Token-st.start))
	case r.Was == WasWaiting:
		return st.flush("", "was=waiting")
	}
	return st.flush("", "was=unknown")
}

func (st *stage) outcome(cmd *codec.Command) []string {
	hash := st.table.Hash(cmd.Name)
	o := st.table.Shard(hash).Outcome(st.now, hash, cmd, &st.fx)
	line := "state=" + o.State
	switch o.State {
	case "waiting":
		line += fmt.Sprintf(" position=%d", o.Position)
	case "granted":
		line += fmt.Sprintf(" token=%d count=%d lease=%s", o.Token-st.start, o.Count, ms(o.LeaseMs))
	case "ended":
		line += " why=" + o.Why
	}
	if o.Recovering {
		line += " recovering"
	}
	return st.flush("", line)
}

func (st *stage) duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	st.check(err)
	return d
}

// command builds the command of a line.
func (st *stage) command(verb string, pos []string, args map[string]string) *codec.Command {
	cmd := &codec.Command{Name: long(pos[0])}
	cmd.Verb = map[string]codec.Verb{"acquire": codec.VerbAcquire, "release": codec.VerbRelease,
		"heartbeat": codec.VerbHeartbeat, "force": codec.VerbForceRelease,
		"upgrade": codec.VerbUpgrade, "downgrade": codec.VerbDowngrade, "cancel": codec.VerbCancel, "outcome": codec.VerbOutcome}[verb]
	if len(pos) > 1 {
		cmd.Service = long(pos[1])
	}
	for _, word := range pos[min(2, len(pos)):] {
		cmd.Opts |= map[string]codec.Opts{"fresh": codec.OptFresh, "detect": codec.OptDetect, "all": codec.OptAll, "shared": codec.OptShared}[word]
	}
	for key, value := range args {
		switch key {
		case "wait":
			cmd.WaitMs = uint32(st.duration(value).Milliseconds())
		case "ttl":
			cmd.Opts |= codec.OptTTL
			cmd.TTLMs = uint32(st.duration(value).Milliseconds())
		case "meta":
			cmd.Opts |= codec.OptMeta
			cmd.Text = long(value)
		case "token":
			n, err := strconv.ParseUint(value, 10, 63)
			st.check(err)
			cmd.Opts |= codec.OptToken
			cmd.Token = st.start + codec.Token(n)
		case "count":
			n, err := strconv.ParseUint(value, 10, 31)
			st.check(err)
			cmd.Opts |= codec.OptCount
			cmd.Count = uint32(n)
		case "queue":
			n, err := strconv.ParseUint(value, 10, 31)
			st.check(err)
			cmd.Opts |= codec.OptQueue
			cmd.Queue = uint32(n)
		case "permits":
			n, err := strconv.ParseUint(value, 10, 31)
			st.check(err)
			cmd.Opts |= codec.OptPermits
			cmd.Permits = uint32(n)
		case "req":
			cmd.Opts |= codec.OptReq
			cmd.Req = long(value)
		case "as", "conn":
		default:
			st.t.Fatalf("%s: unknown argument %s", st.at, key)
		}
	}
	return cmd
}

func (st *stage) apply(verb string, pos []string, args map[string]string) []string {
	cmd := st.command(verb, pos, args)
	label, ok := args["as"]
	if !ok && len(pos) > 1 {
		label = pos[1]
	}
	from := Origin{}
	if verb == "acquire" || verb == "upgrade" {
		st.last++
		st.ticket = st.last
		st.labels[st.last] = label
		from = Origin{Conn: 1, Ticket: st.last}
		if v, ok := args["conn"]; ok {
			n, err := strconv.Atoi(v)
			st.check(err)
			from.Conn = ConnID(n)
		}
	}
	hash := st.table.Hash(cmd.Name)
	s := st.table.Shard(hash)
	s.Lock()
	r := *s.Apply(st.now, hash, cmd, from, &st.fx)
	s.Unlock()
	st.ticket = 0
	if r.Fresh {
		st.holds[label] = r.Hold
	}
	if r.Waiting {
		st.waits[label] = r.Waiter
	}
	return st.flush("", st.result(verb, s, cmd, &r))
}

// result returns the line for a command's own outcome.
func (st *stage) result(verb string, s *Shard, cmd *codec.Command, r *Result) string {
	hold := fmt.Sprintf("token=%d count=%d lease=%s", r.Token-st.start, r.Count, ms(r.LeaseMs))
	switch {
	case r.Waiting:
		position := 1
		for w := s.waiters.at(r.Waiter.index); w.prev != none; w = s.waiters.at(w.prev) {
			position++
		}
		return fmt.Sprintf("queued position=%d", position)
	case r.Code == codec.Limit:
		return "LIMIT " + r.Which.String()
	case r.Code == codec.Timeout:
		return fmt.Sprintf("TIMEOUT owner=%s held=%s", short(st.fx.Owner), ms(r.HeldMs))
	case r.Code == codec.AlreadyHeld:
		return fmt.Sprintf("HELD token=%d", r.Token-st.start)
	case r.Code != codec.OK:
		return r.Code.String()
	case verb == "acquire":
		return "granted " + hold
	case verb == "heartbeat":
		return "renewed " + hold
	case verb == "force" && r.Count > 1:
		return fmt.Sprintf("forced owner=%s token=%d holders=%d", short(st.fx.Owner), r.Token-st.start, r.Count)
	case verb == "force":
		return fmt.Sprintf("forced owner=%s token=%d", short(st.fx.Owner), r.Token-st.start)
	case verb != "release":
		return verb + "d " + hold
	}
	return "released " + hold
}

func (st *stage) status(name []byte) []string {
	var x Status
	hash := st.table.Hash(name)
	s := st.table.Shard(hash)
	s.Status(st.now, hash, name, &x, &st.fx)
	switch {
	case x.Recovering && x.Waiters > 0:
		return st.flush("", fmt.Sprintf("recovering waiters=%d next=%s", x.Waiters, short(x.Next)))
	case x.Recovering:
		return st.flush("", "recovering")
	case !x.Held && x.Waiters > 0:
		return st.flush("", fmt.Sprintf("free waiters=%d", x.Waiters))
	case !x.Held:
		return st.flush("", "free")
	}
	return st.flush("", st.describe(&x))
}

// listHolders shows HOLDERS.
func (st *stage) listHolders(name []byte, args map[string]string) []string {
	most := 1000
	if v, ok := args["limit"]; ok {
		n, err := strconv.Atoi(v)
		st.check(err)
		most = n
	}
	var out Statuses
	hash := st.table.Hash(name)
	all := st.table.Shard(hash).Holders(st.now, hash, name, most, &out, &st.fx)
	lines := st.flush("", "")
	for i := range out.All() {
		lines = append(lines, st.describe(&out.All()[i]))
	}
	return append(lines, fmt.Sprintf("holders=%d", all))
}

func (st *stage) describe(x *Status) string {
	if x.Holders > 0 {
		line := fmt.Sprintf("shared holders=%d", x.Holders)
		if x.Permits > 0 {
			line = fmt.Sprintf("permits=%d taken=%d holders=%d", x.Permits, x.Taken, x.Holders)
		}
		if x.Waiters > 0 {
			line += fmt.Sprintf(" waiters=%d next=%s", x.Waiters, short(x.Next))
		}
		return line
	}
	line := fmt.Sprintf("owner=%s token=%d count=%d lease=%s held=%s", short(x.Owner),
		codec.Token(x.Token)-st.start, x.Count, ms(x.LeaseMs), ms(x.HeldMs))
	if x.Others > 0 {
		line += fmt.Sprintf(" others=%d", x.Others)
	}
	if x.Waiters > 0 {
		line += fmt.Sprintf(" waiters=%d next=%s", x.Waiters, short(x.Next))
	}
	if len(x.Meta) > 0 {
		line += " meta=" + short(x.Meta)
	}
	return line
}

// list goes through the shards, three records at a time, as LOCKS does.
func (st *stage) list(pos []string, args map[string]string) []string {
	f := Filter{Prefix: long(args["prefix"])}
	more, limit := false, 1000
	for _, word := range pos {
		f.Contended = f.Contended || word == "contended"
		f.Held = f.Held || word == "held"
		more = more || word == "more"
	}
	if v, ok := args["limit"]; ok {
		n, err := strconv.Atoi(v)
		st.check(err)
		limit = n
	}
	if !more {
		st.shard, st.rec = 0, 0
	}
	var out Statuses
	for st.shard < Shards && len(out.All()) < limit {
		scan := 3
		if st.table.ShardAt(st.shard).List(st.now, &st.rec, &scan, limit-len(out.All()), &f, &out, &st.fx) {
			st.shard++
			st.rec = 0
		}
	}
	lines := st.flush("", "")
	for i := range out.All() {
		x := &out.All()[i]
		if x.Recovering {
			lines = append(lines, fmt.Sprintf("lock=%s recovering waiters=%d", short(x.Name), x.Waiters))
			continue
		}
		if !x.Held {
			lines = append(lines, fmt.Sprintf("lock=%s free waiters=%d", short(x.Name), x.Waiters))
			continue
		}
		lines = append(lines, fmt.Sprintf("lock=%s %s", short(x.Name), st.describe(x)))
	}
	if st.shard < Shards {
		return append(lines, "more")
	}
	return append(lines, "end")
}

func (st *stage) totals() string {
	x := st.table.Totals()
	blocks := 0
	for i := range Shards {
		blocks += st.table.ShardAt(i).arena.blocks
	}
	line := fmt.Sprintf("held=%d waiters=%d strings=%d", x.Held, x.Waiters, blocks)
	if x.Requests > 0 {
		line += fmt.Sprintf(" requests=%d", x.Requests)
	}
	if x.Detached > 0 {
		line += fmt.Sprintf(" detached=%d", x.Detached)
	}
	counts := reflect.ValueOf(x.Counts)
	for i := range counts.NumField() {
		if n := counts.Field(i).Uint(); n > 0 {
			line += fmt.Sprintf(" %s=%d", strings.ToLower(counts.Type().Field(i).Name), n)
		}
	}
	return line
}
