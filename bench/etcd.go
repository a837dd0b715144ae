package bench

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// etcd is driven through the JSON gateway of its v3 API: HTTP/1.1, and a
// connection answers one request after the other. That costs etcd something
// which its own clients, over gRPC, do not make it pay: for each request it
// translates JSON and calls itself. In return no library of it is needed, and
// requests can be encoded before the clock starts.
//
// A lease is granted to each connection before the run, as a client has one
// session for all its locks. It outlives the run, so that none has to be kept
// alive within it; a client would do that three times in a minute.
//
// With EtcdTxn a pair is the two requests that the recipe for a mutex sends
// where nobody competes: a transaction that puts the key if it is not there and
// asks for the oldest key of the lock, and the deletion of the key. With
// EtcdLock it is the lock service inside the server, which runs the same recipe
// there and also waits, watching the key before its own.

// The requests of the gateway that are used.
const (
	etcdTxnPath    = "/v3/kv/txn"
	etcdDeletePath = "/v3/kv/deleterange"
	etcdLockPath   = "/v3/lock/lock"
	etcdUnlockPath = "/v3/lock/unlock"
	etcdGrantPath  = "/v3/lease/grant"
	etcdRevokePath = "/v3/lease/revoke"
)

// etcdAcquire appends a request for a lock; lease is that of the connection.
func etcdAcquire(dst []byte, form, name, lease string) []byte {
	if form == EtcdLock {
		return appendPost(dst, etcdLockPath, fmt.Sprintf(`{"name":%q,"lease":%q}`, base64Of(name), lease))
	}
	key := base64Of(etcdKey(name, lease))
	// '0' is the byte after '/': the range is all keys of this lock.
	oldest := fmt.Sprintf(`{"request_range":{"key":%q,"range_end":%q,"sort_order":"ASCEND","sort_target":"CREATE","limit":"1"}}`,
		base64Of(name+"/"), base64Of(name+"0"))
	return appendPost(dst, etcdTxnPath, fmt.Sprintf(
		`{"compare":[{"target":"CREATE","key":%q,"create_revision":"0"}],`+
			`"success":[{"request_put":{"key":%q,"lease":%q}},%s],"failure":[{"request_range":{"key":%q}},%s]}`,
		key, key, lease, oldest, key, oldest))
}

func etcdRelease(dst []byte, form, name, lease string) []byte {
	path := etcdDeletePath
	if form == EtcdLock {
		path = etcdUnlockPath
	}
	return appendPost(dst, path, fmt.Sprintf(`{"key":%q}`, base64Of(etcdKey(name, lease))))
}

// etcdKey is the key of an owner of a lock: the name and the lease, as every
// client of the recipe forms it.
func etcdKey(name, lease string) string {
	id, err := strconv.ParseInt(lease, 10, 64)
	if err != nil {
		panic("BUG: a lease that is no number: " + lease)
	}
	return name + "/" + strconv.FormatInt(id, 16)
}

func base64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func appendPost(dst []byte, path, body string) []byte {
	return fmt.Appendf(dst, "POST %s HTTP/1.1\r\nHost: etcd\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

// etcdShows is what the reply to a request has only if it was successful. A
// reply of the lock service has nothing to show for a release but its status.
func etcdShows(form string, v verb) string {
	switch {
	case form == EtcdTxn && v == verbAcquire:
		return `"succeeded":true`
	case form == EtcdTxn:
		return `"deleted":"1"`
	case v == verbAcquire:
		return `"key":"`
	}
	return `"header":`
}

// httpLen returns the length of the successful HTTP reply at the beginning of
// in, or 0 if it has not arrived whole.
func httpLen(in []byte) (int, error) {
	const begin, length = "HTTP/1.1 200 ", "\r\nContent-Length: "
	n := min(len(in), len(begin))
	end := bytes.Index(in, []byte("\r\n\r\n"))
	if string(in[:n]) != begin[:n] {
		// The reason is in the body, if that is here; the first line has a number.
		return 0, wrongReply(in[max(bytes.IndexByte(in, '{'), 0):], begin+"...")
	}
	if end < 0 {
		return 0, nil
	}
	_, value, ok := bytes.Cut(in[:end], []byte(length))
	if !ok {
		return 0, wrongReply(in, "a reply with its length")
	}
	value, _, _ = bytes.Cut(value, []byte("\r\n"))
	body, err := strconv.Atoi(string(value))
	if err != nil || body < 0 {
		return 0, wrongReply(value, "a length")
	}
	if whole := end + len("\r\n\r\n") + body; whole <= len(in) {
		return whole, nil
	}
	return 0, nil
}

// leases of the connections of a run, outside of the measured time.
type leases struct {
	server string
	ids    []string
}

// grantLeases asks etcd for a lease for each connection.
func grantLeases(server string, n int) (*leases, error) {
	l := &leases{server: server}
	for range n {
		var granted struct{ ID string }
		err := l.post(etcdGrantPath, fmt.Sprintf(`{"TTL":"%d"}`, heldTTLMs/1000), &granted)
		if err == nil && granted.ID == "" {
			err = fmt.Errorf("%w: no lease", ErrWrongReply)
		}
		if err != nil {
			l.revoke()
			return nil, fmt.Errorf("etcd: grant a lease: %w", err)
		}
		l.ids = append(l.ids, granted.ID)
	}
	return l, nil
}

// revoke ends the leases, and with them what a run that failed still holds.
func (l *leases) revoke() {
	for _, id := range l.ids {
		var ignored struct{}
		_ = l.post(etcdRevokePath, fmt.Sprintf(`{"ID":%q}`, id), &ignored) // they end by themselves, only later
	}
}

func (l *leases) post(path, body string, into any) error {
	client := http.Client{Timeout: talkMax}
	reply, err := client.Post("http://"+l.server+path, "application/json", strings.NewReader(body))
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: %s", ErrWrongReply, reply.Status)
	}
	return json.NewDecoder(reply.Body).Decode(into)
}
