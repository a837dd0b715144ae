package bench

import (
	"crypto/sha1"
	"encoding/hex"
	"strconv"
	"strings"

	"dlm/codec"
)

const (
	// numberLen is how many bytes of a name are left to the number of the lock.
	numberLen = 9
	// heldTTLMs is the lease of locks that are held through a run. A run that
	// was killed leaves them for that long.
	heldTTLMs = 3_600_000
	// redisTTLMs is the lease in Redis: the default lease of our server.
	redisTTLMs = 30_000
)

// verb is what a request asks for.
type verb int

const (
	verbAcquire verb = iota
	verbRelease
	verbHeartbeat
	verbPing
	verbCount
)

// The scripts that lock libraries use with Redis: the value shows the owner.
const (
	redisRelease = `if redis.call("get",KEYS[1])==ARGV[1] then return redis.call("del",KEYS[1]) else return 0 end`
	redisRenew   = `if redis.call("get",KEYS[1])==ARGV[1] then return redis.call("pexpire",KEYS[1],ARGV[2]) else return 0 end`
)

// encoder appends requests in one form. Not safe for use by two goroutines.
type encoder struct {
	form         string
	cmd          codec.Command
	release, ren string // digests of the scripts
	request      uint64 // number of the last request of slock
}

func newEncoder(form string) *encoder {
	digest := func(script string) string {
		sum := sha1.Sum([]byte(script))
		return hex.EncodeToString(sum[:])
	}
	return &encoder{form: form, release: digest(redisRelease), ren: digest(redisRenew)}
}

// acquire waits up to waitMs; ttlMs 0 is the lease of the server.
func (e *encoder) acquire(dst []byte, name, service string, waitMs, ttlMs int) []byte {
	if e.form == RedisScript || e.form == RedisDel {
		return appendArray(dst, "SET", name, service, "NX", "PX", strconv.Itoa(redisTTLMs))
	}
	switch e.form {
	case EtcdTxn, EtcdLock:
		return etcdAcquire(dst, e.form, name, service)
	case Slock:
		e.request++
		return slockRequest(dst, slockLock, e.request, name, service, waitMs)
	}
	e.begin(codec.VerbAcquire, name, service)
	e.cmd.WaitMs = uint32(waitMs)
	e.ttl(ttlMs)
	return codec.AppendCommand(dst, &e.cmd)
}

// begin makes e.cmd a command about a hold, in one of our own forms.
func (e *encoder) begin(verb codec.Verb, name, service string) {
	e.cmd = codec.Command{Verb: verb, Name: []byte(name), Service: []byte(service)}
	if e.form == RESP {
		e.cmd.Form = codec.FormRESP
	}
}

// ttl adds the lease to e.cmd, unless it is 0.
func (e *encoder) ttl(ms int) {
	if ms > 0 {
		e.cmd.Opts |= codec.OptTTL
		e.cmd.TTLMs = uint32(ms)
	}
}

func (e *encoder) releaseOf(dst []byte, name, service string) []byte {
	switch e.form {
	case RedisScript:
		return appendArray(dst, "EVALSHA", e.release, "1", name, service)
	case RedisDel:
		return appendArray(dst, "DEL", name)
	case EtcdTxn, EtcdLock:
		return etcdRelease(dst, e.form, name, service)
	case Slock:
		e.request++
		return slockRequest(dst, slockUnlock, e.request, name, service, 0)
	}
	e.begin(codec.VerbRelease, name, service)
	return codec.AppendCommand(dst, &e.cmd)
}

// heartbeat renews a hold: with its token, unless that is 0, and a lease, unless that is 0.
func (e *encoder) heartbeat(dst []byte, name, service string, token codec.Token, ttlMs int) []byte {
	if e.form == RedisScript || e.form == RedisDel {
		return appendArray(dst, "EVALSHA", e.ren, "1", name, service, strconv.Itoa(redisTTLMs))
	}
	e.begin(codec.VerbHeartbeat, name, service)
	e.ttl(ttlMs)
	if token != 0 {
		e.cmd.Opts |= codec.OptToken
		e.cmd.Token = token
	}
	return codec.AppendCommand(dst, &e.cmd)
}

func (e *encoder) ping(dst []byte) []byte {
	if e.form == Text {
		return append(dst, "PING\n"...)
	}
	return appendArray(dst, "PING")
}

// appendArray appends a RESP array of bulk strings.
func appendArray(dst []byte, words ...string) []byte {
	dst = strconv.AppendInt(append(dst, '*'), int64(len(words)), 10)
	dst = append(dst, "\r\n"...)
	for _, w := range words {
		dst = strconv.AppendInt(append(dst, '$'), int64(len(w)), 10)
		dst = append(dst, "\r\n"...)
		dst = append(append(dst, w...), "\r\n"...)
	}
	return dst
}

// answer is the exact reply to a verb, or empty where the reply is the fields
// of a hold, whose numbers differ from command to command.
func (e *encoder) answer(v verb, floor bool) string {
	switch {
	case floor && e.form == RESP:
		return "+OK\r\n"
	case e.form == Text:
		return "OK\n"
	case v == verbPing:
		return "+PONG\r\n"
	case e.form == RESP:
		return ""
	case v == verbAcquire:
		return "+OK\r\n"
	}
	return ":1\r\n"
}

// nameOf is the name of lock i: the prefix and digits up to NameLen bytes.
func (c *Config) nameOf(i int) string {
	digits := strconv.Itoa(i)
	return c.Prefix + strings.Repeat("0", max(c.NameLen-len(c.Prefix)-len(digits), 0)) + digits
}

func serviceOf(conn int) string { return "svc" + strconv.Itoa(conn) }
