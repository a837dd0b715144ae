package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"time"

	"dlm/bench"
	"dlm/codec"
)

// redisTTLMs is the lease in Redis, in ms: the default lease of dlm.
const redisTTLMs = "30000"

// The scripts that lock libraries use with Redis: the value shows the owner.
const (
	redisRelease = `if redis.call("get",KEYS[1])==ARGV[1] then return redis.call("del",KEYS[1]) else return 0 end`
	redisRenew   = `if redis.call("get",KEYS[1])==ARGV[1] then return redis.call("pexpire",KEYS[1],ARGV[2]) else return 0 end`
)

// redisProtocol is SET NX PX to acquire and a script that checks the owner to release, as lock
// libraries have it; or, without the script, DEL, which releases whoever holds the lock.
func redisProtocol(name string, script bool) *bench.Protocol {
	release, renew := digest(redisRelease), digest(redisRenew)
	pong, ok, done := bench.PatternOf("+PONG\r\n"), bench.PatternOf("+OK\r\n"), bench.PatternOf(":1\r\n")
	return &bench.Protocol{
		Name: name,
		Append: func(dst []byte, cmd *codec.Command) []byte {
			switch {
			case cmd.Verb == codec.VerbPing:
				return appendArray(dst, "PING")
			case cmd.Verb == codec.VerbAcquire:
				return appendArray(dst, "SET", string(cmd.Name), string(cmd.Service), "NX", "PX", redisTTLMs)
			case cmd.Verb == codec.VerbHeartbeat:
				return appendArray(dst, "EVALSHA", renew, "1", string(cmd.Name), string(cmd.Service), redisTTLMs)
			case script:
				return appendArray(dst, "EVALSHA", release, "1", string(cmd.Name), string(cmd.Service))
			}
			return appendArray(dst, "DEL", string(cmd.Name))
		},
		Answer: func(v codec.Verb) *bench.Pattern {
			switch v {
			case codec.VerbPing:
				return pong
			case codec.VerbAcquire:
				return ok
			}
			return done
		},
		Prepare: loadScripts,
	}
}

func digest(script string) string {
	sum := sha1.Sum([]byte(script))
	return hex.EncodeToString(sum[:])
}

// loadScripts hands Redis the scripts that the requests name by their digest.
func loadScripts(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, startMax)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(startMax)); err != nil {
		return err
	}
	in := bufio.NewReader(conn)
	for _, script := range []string{redisRelease, redisRenew} {
		if _, err := conn.Write(appendArray(nil, "SCRIPT", "LOAD", script)); err != nil {
			return err
		}
		want := "$40\r\n" + digest(script) + "\r\n"
		got := make([]byte, len(want))
		if _, err := in.Read(got); err != nil || string(got) != want {
			return fmt.Errorf("SCRIPT LOAD: %w: %q (%v)", bench.ErrWrongReply, got, err)
		}
	}
	return nil
}

// appendArray appends a RESP array of bulk strings.
func appendArray(dst []byte, words ...string) []byte {
	dst = strconv.AppendInt(append(dst, '*'), int64(len(words)), 10)
	dst = append(dst, "\r\n"...)
	for _, w := range words {
		dst = strconv.AppendInt(append(dst, '$'), int64(len(w)), 10)
		dst = append(append(append(dst, "\r\n"...), w...), "\r\n"...)
	}
	return dst
}
