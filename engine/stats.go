package engine

import (
	"sync"
	"sync/atomic"

	"dlm/codec"
)

// commandCounts counts commands by verb and outcome.
type commandCounts [int(codec.VerbCount) * int(codec.CodeCount)]uint64

// batchStats counts one batch in plain fields, so that the shared counters are written once per
// batch.
type batchStats struct {
	counts  [int(codec.VerbCount) * int(codec.CodeCount)]uint32
	touched []uint16
}

func statIndex(verb codec.Verb, code codec.Code) int {
	return int(verb)*int(codec.CodeCount) + int(code)
}

// count notes one answered command.
func (r *reactor) count(verb codec.Verb, code codec.Code) { r.countMore(verb, code, 1) }

// countMore notes n answered commands.
func (r *reactor) countMore(verb codec.Verb, code codec.Code, n int) {
	if n == 0 {
		return
	}
	i := statIndex(verb, code)
	if r.stats.counts[i] == 0 {
		r.stats.touched = append(r.stats.touched, uint16(i))
	}
	r.stats.counts[i] += uint32(n)
}

// countNow is count and publishStats for a single OK.
func (r *reactor) countNow(verb codec.Verb) { r.totals[statIndex(verb, codec.OK)].Add(1) }

// publishStats adds the counts of the batch to the reactor's totals.
func (r *reactor) publishStats() {
	for _, i := range r.stats.touched {
		r.totals[i].Add(uint64(r.stats.counts[i]))
		r.stats.counts[i] = 0
	}
	r.stats.touched = r.stats.touched[:0]
}

// commandTotals sums the counts of all reactors.
func (e *Engine) commandTotals() (sum commandCounts) {
	for _, r := range e.reactors {
		for i := range r.totals {
			sum[i] += r.totals[i].Load()
		}
	}
	return sum
}

// Traffic is what was read from connections and written to them.
type Traffic struct {
	Reads          uint64
	Received, Sent uint64 // bytes
}

// traffic is that of a loop. Only the loop uses now. Once a second it copies that for others, so
// that a read costs two additions of plain fields.
type traffic struct {
	now  Traffic
	mu   sync.Mutex
	seen Traffic // guarded by mu
}

func (t *traffic) publish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = t.now
}

// traffic returns the sum over all loops, up to a second old.
func (e *Engine) traffic() (sum Traffic) {
	for _, r := range e.reactors {
		t := &r.traffic
		t.mu.Lock()
		sum.Reads += t.seen.Reads
		sum.Received += t.seen.Received
		sum.Sent += t.seen.Sent
		t.mu.Unlock()
	}
	return sum
}

// countSent notes that the kernel has taken n bytes of a connection's output.
func (r *reactor) countSent(c *conn, n int) {
	c.sent += int64(n)
	r.traffic.now.Sent += uint64(n)
}

// rejection is why a connection was refused or closed by the server.
type rejection uint8

const (
	rejectNot          rejection = iota // not refused
	rejectConns                         // at max-conns
	rejectAddressConns                  // too many connections from its address
	rejectAddressRate                   // its address opens connections too fast
	rejectFiles                         // no file descriptor left
	rejectTLSConns                      // at tls-max-conns
	rejectQuota                         // at the quota of its certificate
	rejectTLS                           // its handshake failed
	rejectProxy                         // it had to begin with a PROXY header
	rejectEnroll                        // could not be handed to a loop
	rejectPending                       // too much input after a waiting command
	// it had the largest buffers when all together were at the limit
	rejectBuffers
	rejectProtocol      // what it sent is not this protocol
	rejectPartial       // partial command too old
	rejectAuthLate      // not authenticated in time
	rejectAuthFail      // too many wrong tokens
	rejectPreAuthOutput // too much to answer before authentication
	rejectRevoked       // its token is not known any more
	rejectUnreachable   // its peer acknowledges nothing
	rejectSilent        // it has sent nothing for twice its ALIVE
	rejectIdle          // it has sent nothing for idle-timeout
	rejectAdmin         // an admin has ended it
	rejections
)

var rejectionNames = [rejections]string{
	rejectConns:         "max_conns",
	rejectAddressConns:  "address_conns",
	rejectAddressRate:   "address_rate",
	rejectFiles:         "file_limit",
	rejectTLSConns:      "tls_max_conns",
	rejectQuota:         "quota",
	rejectTLS:           "tls",
	rejectProxy:         "proxy",
	rejectEnroll:        "enroll",
	rejectPending:       "pending_input",
	rejectBuffers:       "all_buffers",
	rejectProtocol:      "protocol",
	rejectPartial:       "partial_command",
	rejectAuthLate:      "auth_timeout",
	rejectAuthFail:      "auth_failures",
	rejectPreAuthOutput: "preauth_output",
	rejectRevoked:       "revoked_token",
	rejectUnreachable:   "unreachable",
	rejectAdmin:         "admin",
	rejectSilent:        "silent",
	rejectIdle:          "idle",
}

// rejectCounts counts rejections by reason. Any goroutine may add.
type rejectCounts [rejections]atomic.Uint64

func (e *Engine) reject(why rejection) { e.rejected[why].Add(1) }
