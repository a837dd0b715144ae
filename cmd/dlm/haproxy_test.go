package main

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// haproxyConfig has the checks of Redis in HAProxy's documentation, and backends that send PROXY
// headers from an address of their own. Its verbs stand for the server and the addresses of the
// four frontends.
const haproxyConfig = `defaults
	mode tcp
	timeout connect 10s
	timeout check 30s
	timeout client 30s
	timeout server 30s
backend tcp-check
	option tcp-check
	tcp-check send PING\r\n
	tcp-check expect string +PONG
	tcp-check send info\ replication\r\n
	tcp-check expect string role:master
	tcp-check send QUIT\r\n
	tcp-check expect string OK
	server dlm %[1]s check inter 100ms
backend redis-check
	option redis-check
	server dlm %[1]s check inter 100ms
backend proxy-v1
	server dlm %[1]s source 127.0.0.5 send-proxy
backend proxy-v2
	server dlm %[1]s source 127.0.0.5 send-proxy-v2
frontend plain
	bind %[2]s
	default_backend tcp-check
frontend v1
	bind %[3]s
	default_backend proxy-v1
frontend v2
	bind %[4]s
	default_backend proxy-v2
frontend stats
	mode http
	bind %[5]s
	stats enable
	stats uri /
`

// haproxyPath is Debian's path, which is not in the PATH of users.
const haproxyPath = "/usr/sbin/haproxy"

// startHAProxy starts HAProxy in front of a server and returns its frontends: plain, with PROXY v1,
// with v2, statistics.
func startHAProxy(t *testing.T, server string) (frontends [4]string) {
	t.Helper()
	program, err := exec.LookPath(haproxyPath)
	if err != nil {
		program = needProgram(t, "haproxy", "haproxy")
	}
	for i := range frontends {
		frontends[i] = freeAddr(t)
	}
	config := filepath.Join(t.TempDir(), "haproxy.cfg")
	text := fmt.Sprintf(haproxyConfig, server, frontends[0], frontends[1], frontends[2], frontends[3])
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-db", "-f", config)
	cmd.Env = cleanEnv()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has no state
		_ = cmd.Wait()
	})
	return frontends
}

func TestHAProxyChecksAndHeaders(t *testing.T) {
	p := startServer(t, nil)
	at := startHAProxy(t, p.addr)
	if err := passesChecks("http://"+at[3]+"/;csv", []string{"tcp-check", "redis-check"}); err != nil {
		t.Fatal(err)
	}
	c := dial(t, at[0])
	c.want(t, "ACQUIRE x me 0", "OK")
	c.want(t, "RELEASE x me", "OK")
	for i, name := range []string{"v1", "v2"} {
		c := dial(t, at[1+i])
		c.wantStart(t, "ACQUIRE x "+name+" 0", "ERROR BADARG this server takes no PROXY header from this address")
		if line, ok := <-c.lines; ok {
			t.Errorf("%s: answered %q behind the header", name, line)
		}
	}
	dial(t, p.addr).want(t, "STATUS x", "OK state=free")
}

// passesChecks waits until HAProxy has passed a layer 7 check of the server in each backend.
func passesChecks(url string, backends []string) error {
	last := "no answer"
	for end := time.Now().Add(eventually); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		passed := 0
		response, err := http.Get(url)
		if err != nil {
			last = err.Error()
			continue
		}
		last = ""
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			for _, b := range backends {
				if strings.HasPrefix(lines.Text(), b+",dlm,") {
					last += lines.Text() + "\n"
					if strings.Contains(lines.Text(), ",L7OK,") {
						passed++
					}
				}
			}
		}
		_ = response.Body.Close()
		if passed == len(backends) {
			return nil
		}
	}
	return errors.New("HAProxy's checks have not passed: " + last)
}
