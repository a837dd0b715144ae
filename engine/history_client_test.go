package engine

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// party is a client with a service id of its own. It repeats requests with REQ whose answer is
// lost, on a new connection.
type party struct {
	w       *history
	rng     *rand.Rand
	service string
	link    *link             // on the simulated engine
	open    []*operation      // requests with REQ that are not answered
	tokens  map[string]uint64 // by lock: the last one that it was told
	ids     map[string]int    // by lock: ids of requests so far
}

// idsMax keeps an actor below table.RequestsPerHolderMax, so that nothing is forgotten.
const idsMax = 60

// afterLoss returns what the actor sends on a new connection because of requests that were not
// answered: repeats and CANCELs.
func (a *party) afterLoss() (list []*operation) {
	open := a.open
	a.open = nil
	for _, op := range open {
		switch n := a.rng.IntN(10); {
		case n < 7:
			a.open = append(a.open, op)
			list = append(list, a.repeat(op))
		case n < 9 && op.verb == "ACQUIRE":
			list = append(list, &operation{order: order{verb: "CANCEL", lock: op.lock, service: op.service, req: op.req}})
		}
	}
	return list
}

// repeat returns the same command once more. Only its wait differs.
func (a *party) repeat(op *operation) *operation {
	again := &operation{order: op.order}
	again.waitMs = a.w.wait(a.rng.IntN(3))
	a.w.met("repeat")
	return again
}

// choose returns a random command.
func (a *party) choose() *operation {
	lock := a.w.locks[a.rng.IntN(len(a.w.locks))]
	op := &operation{order: order{lock: lock.name, service: a.service, mixed: lock.mixed}}
	switch n := a.rng.IntN(100); {
	case n < 44:
		a.acquire(op, lock)
	case n < 60 || n < 66 && a.tokens[lock.name] != 0:
		op.verb = "RELEASE"
		op.all = a.rng.IntN(8) == 0
		a.withToken(op)
		a.withReq(op, 3)
	case n < 70:
		op.verb = "HEARTBEAT"
		a.withToken(op)
	case n < 89 && lock.mode == shared:
		op.verb = []string{"UPGRADE", "UPGRADE", "DOWNGRADE"}[a.rng.IntN(3)]
		if op.verb == "UPGRADE" {
			op.waitMs = a.w.wait(a.rng.IntN(3))
		}
		a.withToken(op)
	case n < 71:
		op.verb = "FORCE-RELEASE"
		a.withToken(op)
	case n < 93 && len(a.open) > 0:
		of := a.open[a.rng.IntN(len(a.open))]
		if of.verb != "ACQUIRE" {
			return a.repeat(of)
		}
		op.verb, op.lock, op.req = []string{"CANCEL", "OUTCOME"}[a.rng.IntN(2)], of.lock, of.req
	case n < 96:
		op.verb = "STATUS"
	default:
		op.verb = "HOLDERS"
	}
	return op
}

func (a *party) acquire(op *operation, lock historyLock) {
	op.verb, op.mode, op.waitMs = "ACQUIRE", exclusive, a.w.wait(a.rng.IntN(4))
	switch {
	case lock.mode == shared && a.rng.IntN(3) > 0:
		op.mode = shared
	case lock.mode == permits:
		op.mode, op.permits = permits, 3
	}
	if lock.mixed && a.rng.IntN(3) == 0 {
		op.mode, op.permits = permits, 2
	}
	op.fresh = op.mode != permits && a.rng.IntN(10) == 0
	op.detect = op.waitMs > 0 && a.rng.IntN(3) == 0
	a.withReq(op, 2)
}

// withToken adds the token that the actor knows, mostly.
func (a *party) withToken(op *operation) {
	if token := a.tokens[op.lock]; token != 0 && a.rng.IntN(3) > 0 {
		op.sure, op.wanted = true, token
	}
}

// withReq makes one of n commands one that can be repeated.
func (a *party) withReq(op *operation, n int) {
	if a.w.withoutReq || a.rng.IntN(n) > 0 || a.ids[op.lock] >= idsMax {
		return
	}
	a.ids[op.lock]++
	op.req = fmt.Sprint(a.ids[op.lock])
	a.open = append(a.open, op)
}

// line returns the command in words of text.
func (op *operation) line() string {
	b := op.verb + " " + op.lock
	switch op.verb {
	case "STATUS", "HOLDERS", "FORCE-RELEASE":
	default:
		b += " " + op.service
	}
	if op.waits() {
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
	if op.detect {
		b += " DETECT"
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
	return b
}

// answered is what the actor makes of an answer.
func (a *party) answered(op *operation) {
	a.w.met(op.verb + " " + op.code)
	if op.found != "" {
		a.w.met(op.verb + " " + op.found)
	}
	a.w.sawCycle(op)
	if op.token != 0 && (op.verb == "ACQUIRE" || op.verb == "UPGRADE") {
		a.tokens[op.lock] = op.token
	}
	if op.verb == "RELEASE" && (op.code == "NOTOWNER" || op.code == "NOTHELD") {
		delete(a.tokens, op.lock)
	}
	if op.code == "OK" && op.req != "" && a.rng.IntN(5) == 0 {
		return // it will send it again all the same
	}
	for i, open := range a.open {
		if open.verb == op.verb && open.lock == op.lock && open.req == op.req {
			a.open = append(a.open[:i:i], a.open[i+1:]...)
			break
		}
	}
	if op.code == "LIMIT" || op.code == "BADARG" || op.code == "INTERNAL" {
		a.w.t.Errorf("%s: %s is answered %s", op.service, op.line(), op.code)
	}
}

// answer reads the lines of the answer.
func (op *operation) answer(lines []string) {
	if code, failed := strings.CutPrefix(lines[0], "ERROR "); failed {
		op.failed(code)
		return
	}
	op.code = "OK"
	for _, line := range lines[1:] {
		op.holders = append(op.holders, holdingOf(fieldsOf(line)))
	}
	fields := fieldsOf(lines[0])
	hold := holdingOf(fields)
	op.token, op.count = hold.token, hold.count
	op.found = fields["was"] + fields["state"]
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

// failed reads an error: its code and data.
func (op *operation) failed(text string) {
	var data string
	op.code, data, _ = strings.Cut(text, " ")
	switch op.code {
	case "TIMEOUT":
		fmt.Sscanf(data, "%q", &op.foundHolder)
	case "HELD":
		fmt.Sscan(data, &op.token)
	case "DEADLOCK":
		var of edge
		for {
			if n, _ := fmt.Sscanf(data, "%q %q", &of.lock, &of.holder); n < 2 {
				return
			}
			op.cycle = append(op.cycle, of)
			data = data[min(len(data), len(strconv.Quote(of.lock))+len(strconv.Quote(of.holder))+2):]
		}
	}
}

// fieldsOf returns the fields of a line, without their quotes.
func fieldsOf(line string) map[string]string {
	fields := map[string]string{}
	for _, field := range strings.Fields(line) {
		name, value, _ := strings.Cut(field, "=")
		fields[name] = strings.Trim(value, `"`)
	}
	return fields
}

func holdingOf(fields map[string]string) (h holding) {
	h.service = fields["service"]
	fmt.Sscan(fields["token"], &h.token)
	fmt.Sscan(fields["count"], &h.count)
	return h
}
