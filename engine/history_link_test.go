package engine

import (
	"fmt"
	"slices"
	"strings"

	"dlm/codec"
	"dlm/table"
)

// link is one connection of an actor over a network that is slow and that breaks. The run delivers
// the commands of the actor one by one. A link that the actor has given up goes on: some of its
// commands still arrive, and nobody reads the answers.
//
// The commands of a link have tags, or else are executed and answered in their order, each of them
// in text or in RESP. Then a wait holds back what comes after it.
type link struct {
	k      *client
	tagged bool
	tags   int
	up     []*operation // sent, and not arrived
	open   []*operation // sent, and the answer is not read
	rest   string       // what the server has written of an answer that is not whole
}

// connect opens a link and repeats what was not answered on the last one.
func (a *party) connect() {
	a.link = &link{k: a.w.dial(a.rng.IntN(2)), tagged: a.rng.IntN(2) == 0}
	a.link.k.do("AUTH admin", "OK")
	a.link.k.do("DETAIL ON", "OK")
	for _, op := range a.afterLoss() {
		a.send(op)
	}
}

// send gives the command to the network. On a link without tags it leaves out commands that
// queueCheck could not tell from those before them, should they be held back.
func (a *party) send(op *operation) {
	l := a.link
	if l.tagged {
		l.tags++
		op.tag = fmt.Sprintf("@%d", l.tags)
	} else if len(l.open) > 0 {
		if op.verb == "CANCEL" || op.waits() && slices.ContainsFunc(l.open, func(x *operation) bool { return x.waits() && x.lock == op.lock }) {
			return
		}
		if op.waits() && op.req != "" {
			op.waitMs = max(op.waitMs, a.w.wait(1)) // see done
		}
	}
	if !l.tagged && a.rng.IntN(2) == 0 {
		op.form = codec.FormRESP
	}
	l.up, l.open = append(l.up, op), append(l.open, op)
}

// waits reports whether a command of this verb can wait.
func (op *operation) waits() bool { return op.verb == "ACQUIRE" || op.verb == "UPGRADE" }

// sent returns the bytes of the command.
func (op *operation) sent() string {
	switch {
	case op.form == codec.FormRESP:
		return lineArray(op.line())
	case op.tag != "":
		return op.tag + " " + op.line() + "\n"
	}
	return op.line() + "\n"
}

// collect takes what the server has written. An operation has happened when its answer is written.
func (w *history) collect(l *link) {
	l.rest += l.k.reads()
	for l.rest != "" {
		tag, lines, n := cutAnswer(l.rest)
		if n == 0 {
			return
		}
		i := slices.IndexFunc(l.open, func(op *operation) bool { return op.call > 0 && op.ret == 0 && op.tag == tag })
		if i < 0 {
			w.t.Fatalf("%q answers nothing", l.rest[:n])
		}
		l.open[i].reply, l.open[i].ret = lines, w.moment()
		l.rest = l.rest[n:]
	}
}

// read takes the answers that have come.
func (a *party) read() {
	for i := 0; i < len(a.link.open); i++ {
		if op := a.link.open[i]; op.reply != nil {
			a.link.open = slices.Delete(a.link.open, i, i+1)
			i--
			op.answer(op.reply)
			a.answered(op)
		}
	}
}

// heldBack returns the command of a link without tags that the event of a request comes from; nil
// if the link has tags. An ACQUIRE or UPGRADE of a lock is alone on such a link.
func (w *history) heldBack(e *table.Event) *operation {
	links := w.leaving
	for _, a := range w.actors {
		if a.link != nil {
			links = append(links[:len(links):len(links)], a.link)
		}
	}
	for _, l := range links {
		if l.tagged || l.k.c.id != e.From.Conn {
			continue
		}
		for _, op := range l.open {
			if op.waits() && op.call > 0 && op.ret == 0 && op.lock == string(e.Name) {
				return op
			}
		}
	}
	return nil
}

// cutAnswer returns the tag and the lines of the first answer in b, as text has them, and its
// length; 0 if it is not whole.
func cutAnswer(b string) (tag string, lines []string, n int) {
	var r codec.Reply
	if strings.IndexByte("+-*", b[0]) >= 0 {
		n, _ = codec.ParseReply([]byte(b), codec.FormRESP, &r)
		return "", respLines(b[:n]), n
	}
	if n, _ = codec.ParseReply([]byte(b), codec.FormText, &r); n == 0 {
		return "", nil, 0
	}
	if tag = string(r.Tag); tag != "" {
		tag = "@" + tag
	}
	more := 0
	for at := 0; ; at, n = n, n+strings.IndexByte(b[n:], '\n')+1 {
		if n == at {
			return "", nil, 0 // a line is missing
		}
		line := strings.TrimPrefix(strings.TrimSpace(b[at:n]), tag)
		if lines = append(lines, strings.TrimSpace(line)); len(lines) == 1 {
			fmt.Sscanf(lines[0], "OK lines=%d", &more)
		}
		if len(lines) > more {
			return tag, lines, n
		}
	}
}

// respLines writes an answer in RESP as text has it.
func respLines(b string) []string {
	if code, failed := strings.CutPrefix(b, "-"); failed {
		return []string{"ERROR " + strings.TrimSpace(code)}
	}
	line, _ := nextReply(b)
	words := slices.DeleteFunc(strings.Fields(line), func(w string) bool { return w[0] == '$' || w[0] == '*' || w[0] == '+' })
	if len(words)%2 == 1 {
		words = words[1:] // HOLDERS: how many more there are
	}
	lines := []string{"OK"}
	for i := 0; i < len(words); i += 2 {
		if words[i] == "service" {
			lines = append(lines, "") // the next holder
		}
		lines[len(lines)-1] += " " + words[i] + "=" + strings.TrimPrefix(words[i+1], ":")
	}
	return lines
}
