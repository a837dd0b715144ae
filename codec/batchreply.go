package codec

import "slices"

// Answers to commands of a batch. They need no Start.

// okLines is the answer to a batch of the largest size.
const okLines = "OK\nOK\nOK\nOK\nOK\nOK\nOK\nOK\nOK\nOK\nOK\nOK\nOK\nOK\nOK\nOK\n"

const _ = uint(len(okLines) - 3*BatchMax) // there are enough

// OKs answers OK to the commands from i to n of the batch, which are lines. in is its input.
func (w *Writer) OKs(b *Batch, i, n int, in []byte) {
	if b.Has&HasTags == 0 {
		w.Buf = append(w.Buf, okLines[:3*(n-i)]...)
		return
	}
	buf := w.Buf
	for ; i < n; i++ {
		p := &b.Cmds[i]
		buf = append(p.appendTag(buf, b.Source(p, in)), "OK\n"...)
	}
	w.Buf = buf
}

// Holds answers OK with the fields of a hold to the commands from i to n of the batch, which have
// one form. in is its input, and held has the fields by the number of the command.
func (w *Writer) Holds(b *Batch, i, n int, in []byte, held []GrantReply) {
	w.Start(b.Cmds[i].Form, nil)
	kind, tags := w.holdKind(), b.Has&HasTags != 0
	texts := &w.templates[kind]
	buf := slices.Grow(w.Buf, (n-i)*(2+TagMax+holdMax))
	for ; i < n; i++ {
		if tags {
			p := &b.Cmds[i]
			buf = p.appendTag(buf, b.Source(p, in))
		}
		r, at := &held[i], uint(len(buf))
		size := texts[min(r.Count, 1)].put((*[holdMax]byte)(buf[at:at+holdMax]), kind, r)
		buf = buf[:at+size]
	}
	w.Buf = buf
}

// appendTag appends the tag as an answer begins with it, with its @ and the blank, which are beside
// it in the source. It appends nothing if there is no tag.
func (p *LockCommand) appendTag(buf, src []byte) []byte {
	const most = 16 // one instruction copies them
	if p.tagLen == 0 {
		return buf
	}
	n, at, size := len(buf), int(p.tagAt)-1, int(p.tagLen)+2
	if size <= most && at+most <= cap(src) && n+most <= cap(buf) {
		*(*[most]byte)(buf[n : n+most]) = [most]byte(src[at : at+most])
		return buf[:n+size]
	}
	return append(buf, src[at:at+size]...)
}
