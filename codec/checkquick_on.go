//go:build invariants

package codec

import (
	"fmt"
	"reflect"
)

// checker decodes by the grammar what the quick decoder has taken, and counts.
type checker struct {
	grammar *Decoder
	tried   int
}

// Tried returns how many commands DecodeBatch has given to the quick decoder.
func (d *Decoder) Tried() int { return d.checker.tried }

// checkQuick panics if the grammar does not give the command p for in[at:end]; end is 0 if the
// quick decoder took nothing.
func (d *Decoder) checkQuick(in []byte, at, end uint, p *LockCommand) {
	if d.checker.tried++; end == 0 {
		return
	}
	if d.checker.grammar == nil {
		d.checker.grammar = new(Decoder)
	}
	var got, want Command
	n, st := d.checker.grammar.Decode(in[at:end], &want)
	p.Command(in, &got)
	if st != Ready || at+uint(n) != end || uint(p.End) != end || !reflect.DeepEqual(got.described(), want.described()) {
		panic(fmt.Sprintf("BUG: %q is %+v, the quick decoder has %+v", in[at:end], want.described(), got.described()))
	}
}

// described returns the command without what means nothing.
func (c *Command) described() (d Command) {
	d = Command{Verb: c.Verb, Form: c.Form, Opts: c.Opts, Name: c.Name, Service: c.Service}
	if len(c.Tag) > 0 {
		d.Tag = c.Tag
	}
	if c.Verb == VerbAcquire || c.Verb == VerbUpgrade {
		d.WaitMs = c.WaitMs
	}
	if c.Has(OptTTL) {
		d.TTLMs = c.TTLMs
	}
	if c.Has(OptToken) {
		d.Token = c.Token
	}
	if c.Has(OptCount) {
		d.Count = c.Count
	}
	if c.Has(OptQueue) {
		d.Queue = c.Queue
	}
	if c.Has(OptPermits) {
		d.Permits = c.Permits
	}
	if c.Has(OptReq) {
		d.Req = c.Req
	}
	if c.Has(OptMeta) {
		d.Text = c.Text
	}
	return d
}
