package admin

import "testing"

// TestEveryAnswerHasHeaders asks for answers of all kinds, also refusals.
func TestEveryAnswerHasHeaders(t *testing.T) {
	_, base := serve(t, &fake{open: true})
	for _, c := range []struct{ path, token, host string }{
		{"/livez", "", ""}, {"/readyz", "", ""}, {"/metrics", "m", ""}, {"/nothing", "", ""}, {"/snapshot", "l", ""},
		{"/snapshot", "guessed", ""}, {"/nothing", "", "evil.example"},
	} {
		headers := []string(nil)
		if c.host != "" {
			headers = []string{"Host", c.host}
		}
		code, _, header := ask(t, "GET", base+c.path, c.token, headers...)
		for name, want := range map[string]string{
			"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Referrer-Policy": "no-referrer",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("GET %s (%d): %s is %q, want %q", c.path, code, name, got, want)
			}
		}
	}
}

// TestHostsOfDashboard: without a token only --http-host adds a name, in any case and with any
// port. Pages of this server may send Origin; pages of another may not, under any name.
func TestHostsOfDashboard(t *testing.T) {
	f := &fake{open: true, memory: true}
	s, base := serve(t, f)
	own := s.Addr().String()
	for _, c := range []struct {
		headers []string
		want    int
	}{
		{[]string{"Host", "Locks.Example:80"}, 404}, // it keeps no images
		{[]string{"Host", "locks.example"}, 404},
		{[]string{"Host", "x.locks.example"}, 421},
		{[]string{"Host", "LOCALHOST:7421"}, 404},
		{[]string{"Origin", "http://" + own, "Sec-Fetch-Site", "same-origin"}, 404},
		{[]string{"Origin", "http://locks.example", "Host", "locks.example"}, 404},
		{[]string{"Origin", "http://127.0.0.1:1"}, 403},
		{[]string{"Origin", "http://" + own, "Sec-Fetch-Site", "cross-site"}, 403},
		{[]string{"Origin", "http://evil.example", "Host", "evil.example"}, 421},
		{[]string{"Origin", "null"}, 403},
	} {
		if code, body, _ := ask(t, "GET", base+"/snapshot", "", c.headers...); code != c.want {
			t.Errorf("%q: %d %s, want %d", c.headers, code, body, c.want)
		}
	}
}
