package bench

import (
	"crypto/sha1"
	"encoding/hex"
	"strconv"
	"strings"
)

const (
	// nameLen is the length of every lock name: what the targets are stated for.
	nameLen = 20
	// prefixMax leaves nine digits for the number of a lock.
	prefixMax = nameLen - 9
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
	words := []string{"ACQUIRE", name, service, strconv.Itoa(waitMs)}
	if ttlMs > 0 {
		words = append(words, "TTL", strconv.Itoa(ttlMs))
	}
	return e.words(dst, words...)
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
	return e.words(dst, "RELEASE", name, service)
}

func (e *encoder) heartbeat(dst []byte, name, service string) []byte {
	if e.form == RedisScript || e.form == RedisDel {
		return appendArray(dst, "EVALSHA", e.ren, "1", name, service, strconv.Itoa(redisTTLMs))
	}
	return e.words(dst, "HEARTBEAT", name, service)
}

func (e *encoder) ping(dst []byte) []byte { return e.words(dst, "PING") }

// words appends a command of plain words.
func (e *encoder) words(dst []byte, words ...string) []byte {
	if e.form == Text {
		return append(append(dst, strings.Join(words, " ")...), '\n')
	}
	return appendArray(dst, words...)
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

// nameOf is the name of lock i: the prefix and digits up to nameLen bytes.
func nameOf(prefix string, i int) string {
	digits := strconv.Itoa(i)
	return prefix + strings.Repeat("0", max(nameLen-len(prefix)-len(digits), 0)) + digits
}

func serviceOf(conn int) string { return "svc" + strconv.Itoa(conn) }
