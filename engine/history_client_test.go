package engine

import (
	"fmt"
	"strings"
)

// link is one connection of an actor over a network that is slow and that breaks. The run delivers
// the commands of the actor one by one. A link that the actor has given up goes on: some of its
// commands still arrive, and nobody reads the answers.
type link struct {
	k       *client
	tags    int
	up      []string              // lines that have not arrived
	down    string                // lines that the server has written, and that have not arrived
	rest    string                // the beginning of one more
	ops     map[string]*operation // by tag: not answered
	givenUp bool
}

// actor is a client with a service id of its own. It repeats requests with REQ whose answer is
// lost, on a new link.
type party struct {
	w       *history
	service string
	link    *link
	open    []*operation      // requests with REQ that are not answered
	tokens  map[string]uint64 // by lock: the last one that it was told
	ids     map[string]int    // by lock: ids of requests so far
}

// idsMax keeps an actor below table.RequestsPerHolderMax, so that nothing is forgotten.
const idsMax = 60

// connect opens a link and repeats what was not answered on the last one.
func (a *party) connect() {
	a.link = &link{k: a.w.dial(a.w.rng.IntN(2)), ops: map[string]*operation{}}
	a.link.k.do("AUTH admin", "OK")
	a.link.k.do("DETAIL ON", "OK")
	open := a.open
	a.open = nil
	for _, op := range open {
		switch n := a.w.rng.IntN(10); {
		case n < 7:
			a.repeat(op)
		case n < 9 && op.verb == "ACQUIRE":
			a.send(&operation{order: order{verb: "CANCEL", lock: op.lock, service: op.service, req: op.req}})
		}
	}
}

func (a *party) repeat(op *operation) {
	again := &operation{order: op.order}
	again.waitMs = a.w.rng.IntN(3) * 200
	a.w.did["repeat"]++
	a.send(again)
}

// send gives the command to the network.
func (a *party) send(op *operation) {
	l := a.link
	l.tags++
	tag := fmt.Sprintf("@%d", l.tags)
	l.up = append(l.up, tag+" "+op.line())
	l.ops[tag] = op
	if op.req != "" && op.verb == "ACQUIRE" {
		a.w.copies[op.lock+" "+op.key()]++
	}
	if op.verb == "CANCEL" {
		a.w.copies[op.lock+" "+op.key()] += 2
	}
}

// line returns the command as it is sent.
func (op *operation) line() string {
	b := op.verb + " " + op.lock
	switch op.verb {
	case "STATUS", "HOLDERS", "FORCE-RELEASE":
	default:
		b += " " + op.service
	}
	if op.verb == "ACQUIRE" || op.verb == "UPGRADE" {
		b += fmt.Sprint(" ", op.waitMs)
	}
	switch op.mode {
	case shared:
		b += " SHARED"
	case permits:
		b += fmt.Sprint(" PERMITS ", op.permits)
	}
	if op.fresh {
		b += " FRESH"
	}
	if op.all {
		b += " ALL"
	}
	if op.sure {
		b += fmt.Sprint(" TOKEN ", op.wanted)
	}
	if op.req != "" {
		b += " REQ " + op.req
	}
	return b + "\n"
}

// act sends a random command.
func (a *party) act() {
	lock := a.w.locks[a.w.rng.IntN(len(a.w.locks))]
	op := &operation{order: order{lock: lock.name, service: a.service, mixed: lock.mixed}}
	switch n := a.w.rng.IntN(100); {
	case n < 44:
		a.acquire(op, lock)
	case n < 60 || n < 66 && a.tokens[lock.name] != 0:
		op.verb = "RELEASE"
		op.all = a.w.rng.IntN(8) == 0
		a.withToken(op)
		a.withReq(op, 3)
	case n < 70:
		op.verb = "HEARTBEAT"
		a.withToken(op)
	case n < 89 && lock.mode == shared:
		op.verb = []string{"UPGRADE", "UPGRADE", "DOWNGRADE"}[a.w.rng.IntN(3)]
		if op.verb == "UPGRADE" {
			op.waitMs = a.w.rng.IntN(3) * 200
		}
		a.withToken(op)
	case n < 71:
		op.verb = "FORCE-RELEASE"
		a.withToken(op)
	case n < 93 && len(a.open) > 0:
		of := a.open[a.w.rng.IntN(len(a.open))]
		if of.verb != "ACQUIRE" {
			return
		}
		op.verb, op.lock, op.req = []string{"CANCEL", "OUTCOME"}[a.w.rng.IntN(2)], of.lock, of.req
	case n < 96:
		op.verb = "STATUS"
	default:
		op.verb = "HOLDERS"
	}
	a.send(op)
}

func (a *party) acquire(op *operation, lock historyLock) {
	op.verb, op.mode, op.waitMs = "ACQUIRE", exclusive, a.w.rng.IntN(4)*200
	switch {
	case lock.mode == shared && a.w.rng.IntN(3) > 0:
		op.mode = shared
	case lock.mode == permits:
		op.mode, op.permits = permits, 3
	}
	if lock.mixed && a.w.rng.IntN(3) == 0 {
		op.mode, op.permits = permits, 2
	}
	op.fresh = op.mode != permits && a.w.rng.IntN(10) == 0
	a.withReq(op, 2)
}

// withToken adds the token that the actor knows, mostly.
func (a *party) withToken(op *operation) {
	if token := a.tokens[op.lock]; token != 0 && a.w.rng.IntN(3) > 0 {
		op.sure, op.wanted = true, token
	}
}

// withReq makes one of n commands one that can be repeated.
func (a *party) withReq(op *operation, n int) {
	if a.w.rng.IntN(n) > 0 || a.ids[op.lock] >= idsMax {
		return
	}
	a.ids[op.lock]++
	op.req = fmt.Sprint(a.ids[op.lock])
	a.open = append(a.open, op)
}

// collect takes what the server has written. An operation has happened when its answer is written.
func (w *history) collect(l *link) {
	lines := strings.SplitAfter(l.rest+l.k.reads(), "\n")
	l.rest = lines[len(lines)-1]
	for _, line := range lines[:len(lines)-1] {
		l.down += line
		tag, _, _ := strings.Cut(line, " ")
		if op := l.ops[tag]; op == nil {
			w.t.Fatalf("%q answers nothing", line)
		} else if op.ret == 0 {
			op.ret = w.moment()
		}
	}
}

// read takes the answers that have come.
func (a *party) read() {
	lines := strings.SplitAfter(a.link.down, "\n")
	a.link.down = ""
	for i := 0; lines[i] != ""; i++ {
		tag, answer, _ := strings.Cut(strings.TrimSuffix(lines[i], "\n"), " ")
		op, more := a.link.ops[tag], 0
		delete(a.link.ops, tag)
		if n, _ := fmt.Sscanf(answer, "OK lines=%d", &more); n == 1 {
			for range more {
				i++
				op.holder(strings.TrimPrefix(lines[i], tag+" "))
			}
		}
		op.answer(answer)
		a.answered(op)
	}
}

func (a *party) answered(op *operation) {
	a.w.did[op.verb+" "+op.code]++
	if op.found != "" {
		a.w.did[op.verb+" "+op.found]++
	}
	if op.token != 0 && (op.verb == "ACQUIRE" || op.verb == "UPGRADE") {
		a.tokens[op.lock] = op.token
	}
	if op.verb == "RELEASE" && (op.code == "NOTOWNER" || op.code == "NOTHELD") {
		delete(a.tokens, op.lock)
	}
	if op.code == "OK" && op.req != "" && a.w.rng.IntN(5) == 0 {
		return // it will send it again all the same
	}
	for i, open := range a.open {
		if open.verb == op.verb && open.lock == op.lock && open.req == op.req {
			a.open = append(a.open[:i:i], a.open[i+1:]...)
			break
		}
	}
	if op.code == "LIMIT" || op.code == "BADARG" || op.code == "INTERNAL" {
		a.w.t.Fatalf("%s: %s is answered %s", op.service, op.line(), op.code)
	}
}

// holder reads a line of HOLDERS.
func (op *operation) holder(line string) {
	var h holding
	fmt.Sscanf(line, "service=%q token=%d count=%d", &h.service, &h.token, &h.count)
	op.holders = append(op.holders, h)
}

// answer reads the answer. One to HOLDERS has its holders already.
func (op *operation) answer(text string) {
	if code, failed := strings.CutPrefix(text, "ERROR "); failed {
		op.code, _, _ = strings.Cut(code, " ")
		switch op.code {
		case "TIMEOUT":
			fmt.Sscanf(code, "TIMEOUT %q", &op.foundHolder)
		case "HELD":
			fmt.Sscanf(code, "HELD %d", &op.token)
		}
		return
	}
	op.code = "OK"
	fields := map[string]string{}
	for _, field := range strings.Fields(text)[1:] {
		name, value, _ := strings.Cut(field, "=")
		fields[name] = strings.Trim(value, `"`)
	}
	fmt.Sscan(fields["token"], &op.token)
	fmt.Sscan(fields["count"], &op.count)
	op.found = fields["was"] + fields["state"] + fields["why"]
	switch {
	case op.verb == "OUTCOME" && fields["why"] != "":
		op.found = fields["why"]
	case op.verb == "STATUS" && fields["state"] == "held":
		op.foundMode = mode(fields["mode"])
		fmt.Sscan(fields["taken"], &op.count)
		if fmt.Sscan(fields["holders"], &op.groupOf); op.foundMode == exclusive {
			op.holders = []holding{{service: fields["owner"], token: op.token, count: op.count}}
		}
	}
}
