package engine

import (
	"sync"

	"dlm/table"
)

// The output of a connection goes to the kernel at the end of a batch. The bytes that the kernel
// does not take stay in the backlog of the connection. They are sent when the goroutine "writable"
// reports that there is room again. gnet never holds output. So the reactor knows which byte has
// left the process. When the connection ends, it takes back the grants whose replies have not.
//
//	c.out ---send---> kernel          c.sent counts what it took
//	        \-------> backlog ---sendBacklog---> kernel

// chunkLen is the size of a piece of a backlog. A system call of that size does not delay the other
// connections of the loop noticeably. A backlog that needs less begins with chunkMin, because ten
// thousand clients may be a little late at the same time.
const (
	chunkLen = 32 << 10
	chunkMin = 4 << 10
)

// sendMax is how many bytes of a backlog are written per turn, less than a millisecond. Then other
// connections of the loop have a turn.
const sendMax = 1 << 20

// backlog is the output of a connection that the kernel has not taken.
type backlog struct {
	chunks     [][]byte // in their order; a part of the first may have been sent
	head       int      // bytes of the first chunk that have been sent
	size       int      // bytes that have not been sent
	held       int      // bytes of memory in chunks
	grants     []ownedGrant
	settled    int   // grants whose replies were sent
	progressAt int64 // table time at which the peer last made room
	acked      int64 // bytes that the peer had acknowledged at the last sweep
}

type chunk [chunkLen]byte

var chunkPool = sync.Pool{New: func() any { return new(chunk) }}

// ownedGrant is a hold that was granted to a connection, and the end of its reply.
type ownedGrant struct {
	hold   table.HoldRef
	end    int64 // offset in the output of the connection
	waited bool  // a grant after a wait
}

// ownedGrantLen is the size of an ownedGrant in memory.
const ownedGrantLen = 32

// len returns how many bytes have not been sent.
func (b *backlog) len() int {
	if b == nil {
		return 0
	}
	return b.size
}

// unread returns the bytes that count against the limit of unread replies: the replies and the list
// of grants in them.
func (b *backlog) unread() int {
	if b == nil {
		return 0
	}
	return b.size + ownedGrantLen*(len(b.grants)-b.settled)
}

// memory returns the bytes of memory of the backlog.
func (b *backlog) memory() int {
	if b == nil {
		return 0
	}
	return b.held + ownedGrantLen*len(b.grants)
}

// add appends output.
func (b *backlog) add(p []byte) {
	b.size += len(p)
	for len(p) > 0 {
		last := len(b.chunks) - 1
		if last < 0 || len(b.chunks[last]) == cap(b.chunks[last]) {
			b.grow(len(p))
			last++
		}
		to := b.chunks[last]
		n := min(len(p), cap(to)-len(to))
		b.chunks[last] = append(to, p[:n]...)
		p = p[n:]
	}
}

// grow adds an empty chunk for n bytes, or for a part of them.
func (b *backlog) grow(n int) {
	if len(b.chunks) == 0 && n <= chunkMin {
		b.chunks = append(b.chunks, make([]byte, 0, chunkMin))
		b.held += chunkMin
		return
	}
	b.chunks = append(b.chunks, chunkPool.Get().(*chunk)[:0])
	b.held += chunkLen
}

// front returns the first bytes that have not been sent.
func (b *backlog) front() []byte { return b.chunks[0][b.head:] }

// took notes that the kernel has taken n bytes of front.
func (b *backlog) took(n int) {
	b.head += n
	b.size -= n
	if b.head == len(b.chunks[0]) {
		b.dropFirst()
	}
}

func (b *backlog) dropFirst() {
	first := b.chunks[0]
	b.held -= cap(first)
	if cap(first) == chunkLen {
		chunkPool.Put((*chunk)(first[:chunkLen]))
	}
	b.chunks[0] = nil
	b.chunks, b.head = b.chunks[1:], 0
}

// free frees the memory of the replies.
func (b *backlog) free() {
	for len(b.chunks) > 0 {
		b.dropFirst()
	}
	b.size = 0
}

// send gives output to the kernel and keeps the bytes that it does not take. An error ends the
// connection.
func (r *reactor) send(c *conn, p []byte) error {
	if c.backlog == nil {
		n, err := c.sock.Write(p)
		r.countSent(c, n)
		if n == len(p) || err != nil {
			return err
		}
		p = p[n:]
	}
	r.keepOutput(c, p)
	return nil
}

// sendOrDrop is send, and closes the connection after an error.
func (r *reactor) sendOrDrop(c *conn, p []byte) {
	if err := r.send(c, p); err != nil {
		c.noteCause(err)
		r.drop(c)
	}
}

// keepOutput appends output to the backlog.
func (r *reactor) keepOutput(c *conn, p []byte) {
	if c.backlog == nil {
		c.backlog = &backlog{progressAt: r.now, acked: c.sent}
		c.sock.Await()
	}
	c.backlog.add(p)
}

// sendBacklog gives the kernel as much of the backlog as it takes.
func (r *reactor) sendBacklog(c *conn) {
	b := c.backlog
	for done := 0; b.size > 0 && done < sendMax; {
		p := b.front()
		n, err := c.sock.Write(p)
		if n > 0 {
			b.progressAt = r.now
			r.countSent(c, n)
			done += n
			b.took(n)
		}
		if err != nil {
			c.noteCause(err)
			r.drop(c)
			return
		}
		if n < len(p) {
			break
		}
	}
	r.settleSent(c)
	if b.size == 0 {
		c.backlog = nil
		if c.inputEnded {
			c.sock.AwaitFailure()
		}
		if c.sub != nil {
			r.sendEventsOf(c)
		}
	} else {
		c.sock.Await()
	}
	r.unpause(c)
}

// writable continues with a connection whose socket has room again, or has failed.
func (r *reactor) writable(c *conn) {
	switch {
	case c.closed:
		return
	case c.backlog != nil:
		r.sendBacklog(c)
	case c.inputEnded || c.discarded > discardMax:
		r.checkFailure(c)
	}
	r.markDirty(c) // to account for it, and to close it if only its output was left
}

// pause stops the execution of a connection's commands while it has too many unread replies.
func (r *reactor) pause(c *conn) {
	if c.backlog.unread() > r.e.cfg.UnreadMax {
		c.pending.paused = true
	}
}

// unpause resumes the commands of a connection that has read enough of its replies.
func (r *reactor) unpause(c *conn) {
	p := &c.pending
	if !p.paused || c.closed || c.backlog.unread() > r.e.cfg.UnreadMax/2 {
		return
	}
	p.paused = false
	switch {
	case p.kept == nil:
	case p.waiting:
		r.examine(c)
	default:
		r.resume(c)
	}
}

// checkProgress closes a connection whose peer does not read: its backlog is larger than
// stallBytes, and for unreadStallMax the kernel has taken no byte and the peer has acknowledged
// none.
func (r *reactor) checkProgress(c *conn) {
	b := c.backlog
	if b == nil {
		return
	}
	if acked, known := c.acked(); known && acked > b.acked {
		b.acked, b.progressAt = acked, r.now
	}
	mayWait := b.unread() <= stallBytes && !c.closing && !c.inputEnded
	if !mayWait && r.now-b.progressAt > int64(unreadStallMax) {
		r.e.slowClosed.Add(1)
		r.drop(c)
	}
}

// acked returns how many bytes of the output the peer has acknowledged, if the kernel reports it.
func (c *conn) acked() (n int64, known bool) {
	unacked, known := c.sock.Unacked()
	return c.sent - int64(unacked), known
}

// outputReady goes on with connections whose sockets have room again, and with what is left to take
// back.
func (r *reactor) outputReady() {
	r.inbox.mu.Lock()
	ids := r.inbox.writable
	r.inbox.writable = nil
	r.inbox.mu.Unlock()
	for _, id := range ids {
		if c := r.lookup(id); c != nil {
			r.writable(c)
		}
	}
	r.takeBackOrphans()
}
