package bench

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"dlm/codec"
)

// ErrWrongReply is returned when the server answered something else than the workload must get. It
// ends the run, because a figure over wrong replies is none.
var ErrWrongReply = errors.New("wrong reply")

// ErrDenied is returned besides ErrWrongReply when the server wants a token, or another one.
var ErrDenied = errors.New("not authenticated")

// Pattern is the form of a right reply: its pieces, one after the other.
type Pattern struct {
	Pieces []Piece
	Text   string // shows the reply in the error about a wrong one
	// fields lets codec read a reply that the pieces do not match: it is right if it is OK with a
	// token. The fields of a reply come in any order, and a server may have more of them.
	fields bool
	form   codec.Form
	tag    string // of the reply; empty: none
}

// Piece is a part of a reply.
type Piece struct {
	Literal string
	Digits  bool // a number follows, and after it a piece that does not begin with a digit
	Any     int  // so many bytes of any value follow
}

// PatternOf returns the pattern of a reply in which each # stands for a number.
func PatternOf(reply string) *Pattern {
	p := &Pattern{Text: reply}
	literals := strings.Split(reply, "#")
	for i, literal := range literals {
		p.Pieces = append(p.Pieces, Piece{Literal: literal, Digits: i < len(literals)-1})
	}
	return p
}

// tagged returns the pattern of the same reply with a tag.
func (p *Pattern) tagged(tag string) *Pattern {
	q := *p
	q.tag, q.Text = tag, "@"+tag+" "+p.Text
	q.Pieces = append([]Piece(nil), p.Pieces...)
	q.Pieces[0].Literal = "@" + tag + " " + q.Pieces[0].Literal
	return &q
}

// Match returns the length of the reply at the beginning of in and the first number in it, which is
// the token of a hold. The length is 0 if the reply is not whole, and -1 if it is a wrong one.
func (p *Pattern) Match(in []byte) (n int, number uint64) {
	n, number = p.pieces(in)
	if n >= 0 || !p.fields {
		return n, number
	}
	var r codec.Reply
	n, st := codec.ParseReply(in, p.form, &r)
	if st == codec.Incomplete {
		return 0, 0
	}
	number, ok := r.Number("token")
	if st != codec.Ready || r.Kind != codec.ReplyOK || !ok || string(r.Tag) != p.tag {
		return -1, 0
	}
	return n, number
}

// pieces matches the pieces alone.
func (p *Pattern) pieces(in []byte) (n int, number uint64) {
	found := false
	for i := range p.Pieces {
		piece := &p.Pieces[i]
		if len(in)-n < len(piece.Literal) {
			if string(in[n:]) == piece.Literal[:len(in)-n] {
				return 0, 0
			}
			return -1, 0
		}
		if string(in[n:n+len(piece.Literal)]) != piece.Literal {
			return -1, 0
		}
		n += len(piece.Literal) + piece.Any
		if piece.Digits {
			from, v := n, uint64(0)
			for n < len(in) && in[n]-'0' <= 9 {
				v = v*10 + uint64(in[n]-'0')
				n++
			}
			if n == from && n < len(in) {
				return -1, 0
			}
			if !found {
				number, found = v, true
			}
		}
		if n > len(in) {
			return 0, 0
		}
	}
	return n, number
}

// quoteMax bounds how much of a wrong reply is shown, in bytes.
const quoteMax = 200

func wrongReply(got []byte, want string) error {
	if i := bytes.IndexByte(got, '\n'); i >= 0 {
		got = got[:i+1]
	}
	got = got[:min(len(got), quoteMax)]
	err := fmt.Errorf("%w: got %s, want %s", ErrWrongReply, strconv.Quote(string(got)), strconv.Quote(want))
	if deniedReply.Match(got) {
		return fmt.Errorf("%w: %w", ErrDenied, err)
	}
	return err
}

// deniedReply matches an error of the server that a token would cure, in both forms.
var deniedReply = regexp.MustCompile(`^(ERROR |-)(NOAUTH|DENIED|WRONGPASS)\b`)
