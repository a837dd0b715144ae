package admin

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
)

// TestWrongTokensAreCounted: an address with many is told to wait, and a right token from it
// passes.
func TestWrongTokensAreCounted(t *testing.T) {
	f := &fake{}
	_, base := serve(t, f)
	for i, want := range []int{401, 401, 401, 401, 401, 429, 429} {
		code, body, header := ask(t, "POST", base+"/depose", fmt.Sprintf("guess-%d", i))
		if code != want {
			t.Errorf("attempt %d: %d %s", i+1, code, body)
		}
		if challenge := header.Get("WWW-Authenticate"); code == 401 && challenge != `Bearer error="invalid_token"` {
			t.Errorf("WWW-Authenticate %q", challenge)
		}
		if code == 429 && header.Get("Retry-After") != "2" {
			t.Errorf("Retry-After %q", header.Get("Retry-After"))
		}
	}
	if len(f.wrong) != 7 || !f.wrong[0].IsLoopback() {
		t.Errorf("counted: %v", f.wrong)
	}
	if code, _, _ := ask(t, "POST", base+"/depose", "a"); code != 200 {
		t.Errorf("the right token: %d", code)
	}
}

// TestRefusalsAreOfAudit: the audit names the token, its role, and the refused request.
func TestRefusalsAreOfAudit(t *testing.T) {
	f := &fake{open: true}
	_, base := serve(t, f)
	ask(t, "POST", base+"/promote?old_is_dead=true", "l")
	ask(t, "POST", base+"/depose", "")
	if want := []string{"POST /promote by lou", "POST /depose by anybody"}; !slices.Equal(f.denied, want) {
		t.Errorf("%q", f.denied)
	}
}

// TestNoPageReadsOrChangesAnything sends the headers of browsers, and a name of the page's own.
func TestNoPageReadsOrChangesAnything(t *testing.T) {
	f := &fake{open: true, memory: true}
	_, base := serve(t, f)
	for _, c := range []struct {
		path, token string
		headers     []string
		want        int
	}{
		{"/snapshot", "", nil, 404}, // it keeps no images
		{"/snapshot", "", []string{"Sec-Fetch-Site", "none"}, 404},
		{"/snapshot", "", []string{"Sec-Fetch-Site", "same-origin"}, 404},
		{"/snapshot", "", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"/snapshot", "", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"/snapshot", "b", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"/snapshot", "", []string{"Origin", "http://evil.example"}, 403},
		{"/snapshot", "", []string{"Host", "evil.example"}, 421},
		{"/snapshot", "guessed", []string{"Host", "evil.example"}, 421},
		// a backup that knows it by name
		{"/snapshot", "b", []string{"Host", "primary.example:7421"}, 404},
		{"/nothing", "", []string{"Host", "evil.example"}, 421},
		{"/livez", "", []string{"Host", "evil.example"}, 200},
	} {
		code, body, header := ask(t, "GET", base+c.path, c.token, c.headers...)
		if code != c.want {
			t.Errorf("GET %s with %q, %v: %d %s, want %d", c.path, c.token, c.headers, code, body, c.want)
		}
		if got := header.Get("Cross-Origin-Resource-Policy"); got != "same-origin" {
			t.Errorf("GET %s: CORP %q", c.path, got)
		}
	}
}

// TestWhoShowsNoTokenKeepsNoConnection checks the header Connection of the answer.
func TestWhoShowsNoTokenKeepsNoConnection(t *testing.T) {
	_, base := serve(t, &fake{open: true})
	for _, c := range []struct {
		path, token string
		closed      bool
	}{
		{"/livez", "", true}, {"/readyz", "", true}, {"/snapshot", "", true}, {"/depose", "guessed", true}, {"/livez", "guessed", true},
		{"/livez", "l", false}, {"/snapshot", "b", false}, {"/snapshot", "l", false},
	} {
		req, err := http.NewRequest("GET", base+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.token != "" {
			req.Header.Set("Authorization", "Bearer "+c.token)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.Close != c.closed {
			t.Errorf("%s with %q: closed %v", c.path, c.token, res.Close)
		}
	}
}
