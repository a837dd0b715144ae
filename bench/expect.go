package bench

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"dlm/codec"
)

// ErrWrongReply is returned when the server answered something else than the
// workload must get. It ends the run: a figure over wrong replies is none.
var ErrWrongReply = errors.New("wrong reply")

// ErrDenied is returned besides ErrWrongReply when the server wants a token, or another one.
var ErrDenied = errors.New("not authenticated")

// quoteMax bounds how much of a wrong reply is shown.
const quoteMax = 200

// expectation is what answers one batch.
type expectation struct {
	count    int
	exact    []byte    // the whole answer; nil: count replies that differ in numbers
	done     []int     // done[i] replies are complete in exact[:i]
	protocol *Protocol // of replies that differ
	verbs    []byte    // what they answer
}

// expect makes the expectation of a batch of verbs, from the answers to them. An empty answer
// stands for a reply that the protocol reads.
func expect(p *Protocol, verbs []byte, answers []string) *expectation {
	w := &expectation{count: len(verbs), protocol: p, verbs: verbs}
	if len(answers) == 0 || answers[0] == "" {
		return w
	}
	for i, a := range answers {
		for range a {
			w.done = append(w.done, i)
		}
		w.exact = append(w.exact, a...)
	}
	w.done = append(w.done, len(answers))
	return w
}

// match compares what has arrived with the expectation, from byte off of an
// exact answer on. It returns how many bytes it used and how many replies were
// completed; what it did not use is the beginning of a reply.
func (w *expectation) match(in []byte, off, replies int) (used, complete int, err error) {
	if w.exact != nil {
		n := min(len(in), len(w.exact)-off)
		if !bytes.Equal(in[:n], w.exact[off:off+n]) {
			return 0, 0, w.mismatch(in, off)
		}
		return n, w.done[off+n] - w.done[off], nil
	}
	for replies+complete < w.count {
		n, err := w.oneOf(in[used:], replies+complete)
		if err != nil {
			return 0, 0, err
		}
		if n == 0 {
			break
		}
		used += n
		complete++
	}
	return used, complete, nil
}

// oneOf returns the length of reply i at the beginning of in.
func (w *expectation) oneOf(in []byte, i int) (int, error) {
	n, err := w.protocol.Len(in)
	if err == nil && n > 0 {
		err = w.protocol.Check(codec.Verb(w.verbs[i]), in[:n])
	}
	return n, err
}

// answers is how far the replies on a connection are matched.
type answers struct {
	wants   []*expectation // of batches that are answered in turn, over and over
	at      int            // batch that is answered next
	off     int            // bytes of that answer that have arrived
	replies int            // replies of it that are complete
}

// take matches what has arrived with the answer to one batch. It returns how many bytes it used,
// how many replies were completed, and whether that was the whole answer.
func (a *answers) take(in []byte) (used, complete int, whole bool, err error) {
	w := a.wants[a.at]
	used, complete, err = w.match(in, a.off, a.replies)
	a.off += used
	a.replies += complete
	if whole = a.replies == w.count; whole {
		a.at, a.off, a.replies = (a.at+1)%len(a.wants), 0, 0
	}
	return used, complete, whole, err
}

// mismatch names the first reply that is not the expected one.
func (w *expectation) mismatch(in []byte, off int) error {
	i := 0
	for in[i] == w.exact[off+i] {
		i++
	}
	start := bytes.LastIndexByte(in[:i], '\n') + 1
	return wrongReply(in[start:], string(firstLine(w.exact[off+start:])))
}

func wrongReply(got []byte, want string) error {
	err := fmt.Errorf("%w: got %s, want %s", ErrWrongReply,
		strconv.Quote(string(firstLine(got))), strconv.Quote(want))
	if deniedReply.Match(got) {
		return fmt.Errorf("%w: %w", ErrDenied, err)
	}
	return err
}

// deniedReply matches an error of the server that a token would cure, in both forms.
var deniedReply = regexp.MustCompile(`^(ERROR |-)(NOAUTH|DENIED|WRONGPASS)\b`)

// firstLine is the first line of b with its end, cut where it is too long to show.
func firstLine(b []byte) []byte {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i+1]
	}
	return b[:min(len(b), quoteMax)]
}

// holdLen returns the length of the fields of a hold at the beginning of in, or 0 if they have not
// arrived whole.
func holdLen(in []byte) (int, error) {
	var r codec.Reply
	n, st := codec.ParseReply(in, codec.FormRESP, &r)
	if st == codec.Incomplete {
		return 0, nil
	}
	for _, field := range holdFields {
		if _, ok := r.Number(field); st != codec.Ready || r.Kind != codec.ReplyOK || !ok {
			return 0, wrongReply(in, "the fields of a hold")
		}
	}
	return n, nil
}

// holdFields are the fields of a RESP reply to ACQUIRE, RELEASE and HEARTBEAT.
var holdFields = [...]string{"token", "count", "lease_ms"}
