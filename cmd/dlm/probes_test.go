package main

import (
	"io"
	"net"
	"net/http"
	"testing"
)

// TestProbesAreAnsweredBesideIdleConnections, on the HTTP side and on the address of --health.
func TestProbesAreAnsweredBesideIdleConnections(t *testing.T) {
	health := freeAddr(t)
	p := startServer(t, nil, "--http", "127.0.0.1:0", "--health", health)
	for range 64 {
		c, err := net.Dial("tcp", httpOf(t, p))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	for _, url := range []string{"http://" + httpOf(t, p) + "/livez", "http://" + health + "/livez", "http://" + health + "/readyz"} {
		res, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != 200 || string(text) != "ok\n" {
			t.Errorf("%s: %d %q %v", url, res.StatusCode, text, err)
		}
	}
	if code := post(t, "http://"+health+"/depose", ""); code != 404 {
		t.Errorf("the health side knows /depose: %d", code)
	}
	for range 8 {
		post(t, "http://"+httpOf(t, p)+"/depose", "guessed")
	}
	numbers := infoNumbers(t, dial(t, p.addr), "clients")
	if numbers["wrong_tokens_http"] != 8 || numbers["denied_admin_commands"] != 0 {
		t.Errorf("INFO: %v", numbers)
	}
}
