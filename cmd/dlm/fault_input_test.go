package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"dlm/internal/testflag"
)

// TestFloodBehindWait sends more than the limit after a waiting command.
func TestFloodBehindWait(t *testing.T) {
	for _, c := range []struct{ name, wait, behind, want string }{
		{"text", "ACQUIRE busy flooder 60000\n", "ACQUIRE other flooder 0\nPING\n", "ERROR LIMIT "},
		{"RESP", "*4\r\n$7\r\nACQUIRE\r\n$4\r\nbusy\r\n$7\r\nflooder\r\n$5\r\n60000\r\n",
			"*4\r\n$7\r\nACQUIRE\r\n$5\r\nother\r\n$7\r\nflooder\r\n$1\r\n0\r\n", "-LIMIT "},
		{"rubbish that is no command", "ACQUIRE busy flooder 60000\n", "no such command \x00\xff \"\n", "ERROR LIMIT "},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := startServer(t, nil)
			holder := dial(t, p.addr)
			holder.want(t, "ACQUIRE busy holder 0", "OK")
			other := standBy(t, p.addr)
			flooder := dialRaw(t, p.addr)
			if _, err := io.WriteString(flooder, c.wait); err != nil {
				t.Fatal(err)
			}
			holder.waitWaiters(t, "busy", 1)
			flood := strings.Repeat(c.behind, (1<<20)/len(c.behind)+1000)
			go io.WriteString(flooder, flood) // ends with the connection at the latest
			got := flooder.rest(t)
			if !strings.HasPrefix(got, c.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("the waiting command and what came behind it were answered %.300q", got)
			}
			holder.waitWaiters(t, "busy", 0)
			holder.want(t, "STATUS other", "OK state=free")
			holder.want(t, "RELEASE busy holder", "OK")
			other.end(t)
			if n := infoNumbers(t, holder, "clients")["rejected_pending_input"]; n != 1 {
				t.Errorf("rejected_pending_input is %d", n)
			}
		})
	}
}

// TestInputBehindWaitUpToLimitIsKept sends just the limit.
func TestInputBehindWaitUpToLimitIsKept(t *testing.T) {
	p := startServer(t, nil)
	holder := dial(t, p.addr)
	holder.want(t, "ACQUIRE busy holder 0", "OK")
	patient := dialRaw(t, p.addr)
	const pings = (1 << 20) / len("PING\n")
	if _, err := io.WriteString(patient, "ACQUIRE busy patient 60000\n"+strings.Repeat("PING\n", pings)); err != nil {
		t.Fatal(err)
	}
	holder.waitWaiters(t, "busy", 1)
	waitInfo(t, holder, "clients", "buffered_bytes", int64(pings*len("PING\n")))
	holder.want(t, "RELEASE busy holder", "OK")
	patient.SetDeadline(time.Now().Add(eventually))
	want := strings.Repeat("OK\n", 1+pings)
	got := make([]byte, len(want))
	if n, err := io.ReadFull(patient.r, got); err != nil || string(got) != want {
		t.Errorf("%d bytes of answers, want %d: %v", n, len(want), err)
	}
}

func TestPartialCommandIsAnsweredAndClosed(t *testing.T) {
	p := startServer(t, nil, "--partial-timeout", "300ms")
	other := standBy(t, p.addr)
	for _, c := range []struct{ name, input, more, want string }{
		{"text", "ACQUIRE kept thief", "", "ERROR BADARG the command was not complete within 300ms\n"},
		{"text, a byte at a time", "ACQUIRE kept thief", "x", "ERROR BADARG the command was not complete within 300ms\n"},
		{"behind a whole command", "PING\nACQ", "", "OK\nERROR BADARG the command was not complete within 300ms\n"},
		{"RESP, a byte at a time", "*2\r\n$4\r\nPING\r\n$8000\r\n", "x", "BADARG the command was not complete within 300ms"},
		{"RESP behind a whole command", "*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nPI", "", "-BADARG the command was not complete within 300ms\r\n"},
		{"behind a wait", "ACQUIRE kept waiter 60000\nACQ", "", "ERROR BADARG the command was not complete within 300ms\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := dialRaw(t, p.addr)
			begin := time.Now()
			if _, err := io.WriteString(k, c.input); err != nil {
				t.Fatal(err)
			}
			quit := make(chan struct{})
			defer close(quit)
			go func() {
				for c.more != "" {
					select {
					case <-quit:
						return
					case <-time.After(20 * time.Millisecond): // the pace of a slow client
						io.WriteString(k, c.more)
					}
				}
			}()
			got := k.rest(t)
			if !strings.Contains(got, c.want) {
				t.Errorf("answered %q, want %q", got, c.want)
			}
			if took := time.Since(begin); took < 300*time.Millisecond {
				t.Errorf("closed after %v already", took)
			}
		})
	}
	other.end(t)
}

// withOneToken starts a server that requires AUTH, and returns the token.
func withOneToken(t *testing.T, args ...string) (p *process, token string) {
	t.Helper()
	token, entry := makeToken(t, "--name", "one", "--role", "lock")
	file := writeFile(t, "tokens.toml", 0o600, entry)
	return startServer(t, nil, append(args, "--token-file", file)...), token
}

func TestWhoDoesNotAuthenticateIsClosed(t *testing.T) {
	p, token := withOneToken(t, "--auth-timeout", "300ms")
	var known *rawPeer
	waitUntil(t, "a connection authenticates before its time is over", func() bool {
		known = dialRaw(t, p.addr)
		got, _ := known.ask("AUTH " + token)
		return got == "OK"
	})
	other := known.standBy(t)
	silent, busy := dialRaw(t, p.addr), (*rawPeer)(nil)
	waitUntil(t, "a connection is answered before its time is over", func() bool {
		busy = dialRaw(t, p.addr)
		got, _ := busy.ask("PING")
		return strings.HasPrefix(got, "ERROR NOAUTH authenticate first")
	})
	go func() {
		for {
			if _, err := io.WriteString(busy, "PING\n"); err != nil {
				return
			}
			// so slow that its answers stay below the limit before AUTH
			time.Sleep(100 * time.Millisecond)
		}
	}()
	const late = "ERROR NOAUTH not authenticated within 300ms\n"
	if got := silent.rest(t); got != late {
		t.Errorf("a silent connection got %q", got)
	}
	if got := busy.rest(t); !strings.HasSuffix(got, late) {
		t.Errorf("a busy connection got %q", got)
	}
	other.end(t)
}

func TestWrongTokensAndLargeInputBeforeAuth(t *testing.T) {
	p, token := withOneToken(t)
	known := standBy(t, p.addr, "AUTH "+token)
	for _, c := range []struct{ name, input, want string }{
		{"three wrong tokens", "AUTH wrong\nAUTH wrong\nAUTH wrong\nAUTH " + token + "\nACQUIRE stolen thief 0\n",
			strings.Repeat("ERROR DENIED no such token\n", 3)},
		{"three wrong tokens in RESP", strings.Repeat("*2\r\n$4\r\nAUTH\r\n$5\r\nwrong\r\n", 3) + "PING\n",
			strings.Repeat("-WRONGPASS invalid username-password pair or user is disabled.\r\n", 3)},
		{"a long word", "AUTH " + strings.Repeat("x", 1025) + "\nAUTH " + token + "\n", "ERROR TOOBIG "},
		{"many words", "AUTH 1 2 3 4 5 6 7 8\nAUTH " + token + "\n", "ERROR TOOBIG "},
		{"a long RESP argument", "*2\r\n$4\r\nAUTH\r\n$1025\r\n", "-TOOBIG "},
		{"a huge RESP argument", "*2\r\n$4\r\nAUTH\r\n$536870912\r\n", "-"},
		{"many RESP arguments", "*9\r\n$4\r\nAUTH\r\n", "-TOOBIG "},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := dialRaw(t, p.addr)
			if _, err := io.WriteString(k, c.input); err != nil {
				t.Fatal(err)
			}
			got := k.rest(t)
			if !strings.HasPrefix(got, c.want) || strings.Contains(got, "OK") || strings.Contains(got, "PONG") {
				t.Errorf("answered %.300q, want %q and the end", got, c.want)
			}
		})
	}
	known.end(t)
	k := dial(t, p.addr)
	k.want(t, "AUTH "+token, "OK")
	k.want(t, "STATUS stolen", "OK state=free")
}

// TestGarbageDisturbsNobody sends input of all kinds, whole and cut at random, while another client
// holds a lock and depends on its heartbeats.
func TestGarbageDisturbsNobody(t *testing.T) {
	p := startServer(t, nil, "--loops", "2", "--partial-timeout", "300ms")
	watcher := dial(t, p.addr)
	watcher.want(t, "DETAIL ON", "OK")
	other := standBy(t, p.addr)
	before := watcher.ask(t, "STATUS kept")
	rng := rand.New(rand.NewPCG(testflag.Seed(t), 0))
	random := make([]byte, 10_000)
	inputs := []string{
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x8f", 500) + "\n",
		"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n",
		"POST /locks HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"*-1\r\n", "*0\r\n", "*\r\n", "*1\r\n$-1\r\n", "*1\r\n+PING\r\n", "*1\r\n$4\r\nPINGxx", "*2\r\n$4\r\nPING\n\n",
		"*99999999999999999999\r\n", "*1\r\n$99999999999999999999\r\n", "*3\r\n*3\r\n", "$4\r\nPING\r\n",
		"*4\r\n$7\r\nRELEASE\r\n$4\r\nkept\r\n$0\r\n\r\n$1\r\n0\r\n",
		"@\n", "@@ PING\n", "@t\n", "@" + strings.Repeat("t", 33) + " PING\n", "@t @t PING\n",
		"RELEASE \"kept bystander\n", "RELEASE kept\\x00 bystander\n", "RELEASE \"kept\\", "RELEASE kept bystander TOKEN 18446744073709551616\n",
		"RELEASE kept bystander TOKEN -1\n", "RELEASE kept bystander extra\n", "FORCE-RELEASE kept\n",
		"ACQUIRE kept x 99999999999999999999\n", "ACQUIRE kept bystander 0 TTL 1\n", "HEARTBEAT kept bystander TTL 99\n",
		strings.Repeat("x", 9000) + "\n", strings.Repeat("\"", 9000), strings.Repeat("\n", 9000), strings.Repeat("\r", 9000),
	}
	for range 200 {
		for i := range random {
			random[i] = byte(rng.Uint32())
		}
		inputs = append(inputs, string(random[:1+rng.IntN(len(random))]))
	}
	for range 200 {
		valid := "ACQUIRE \"a b\" thief 10 TTL 100\n*2\r\n$6\r\nSTATUS\r\n$4\r\nkept\r\n@t HEARTBEAT kept thief\nLOCKS\n"
		b := []byte(valid[:1+rng.IntN(len(valid))])
		for range 1 + rng.IntN(3) {
			b[rng.IntN(len(b))] = byte(rng.Uint32())
		}
		inputs = append(inputs, string(b))
	}
	for i, input := range inputs {
		if err := throw(p.addr, input, i%2 == 0); err != nil {
			t.Errorf("%.100q: %v", input, err)
		}
	}
	after := watcher.ask(t, "STATUS kept")
	if strings.Fields(before)[4] != strings.Fields(after)[4] || !strings.Contains(after, ` owner="bystander"`) || !strings.Contains(after, " count=1 ") {
		t.Errorf("the lock was changed: before %s, after %s", before, after)
	}
	other.end(t)
	// Only the watcher is left once the lingering connections have gone.
	waitUntil(t, "all others are gone", func() bool { return infoNumbers(t, watcher, "clients")["connected_clients"] <= 2 })
	waitUntil(t, "no bytes stay in buffers", func() bool { return infoNumbers(t, watcher, "clients")["buffered_bytes"] == 0 })
}

// throw sends input and waits until the server closes the connection, or until the client's end of
// stream does.
func throw(addr, input string, half bool) error {
	k, err := tryDial(addr)
	if err != nil {
		return err
	}
	defer k.Close()
	if _, err := io.WriteString(k, input); err != nil && os.IsTimeout(err) {
		return fmt.Errorf("the server did not read it")
	}
	if !half {
		return nil
	}
	k.CloseWrite()
	if rest, err := io.ReadAll(k.r); os.IsTimeout(err) {
		return fmt.Errorf("the connection stays open after its end, it got %.100q", rest)
	}
	return nil
}
