package admin

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"dlm/engine/audit"
)

// askJSON posts a body to the JSON side, as the admin ann.
func askJSON(t *testing.T, url, body string, headers ...string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer a")
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, strings.TrimSpace(string(text))
}

// TestPromoteAndDeposeInJSON: what is answered, and what reaches the engine.
func TestPromoteAndDeposeInJSON(t *testing.T) {
	f := &fake{}
	s, base := serve(t, f)
	for _, c := range []struct {
		path, body string
		status     int
		want       string // in the answer
	}{
		{"promote", `{"reason":"the rack is dark","old_is_dead":true}`, 200, `{"durability":"promoted"}`},
		{"promote", `{"reason":"a test","timeout_ms":1500}`, 200, `{"durability":"promoted"}`},
		{"promote", `{}`, 400, `"BADARG","message":"reason is missing`},
		{"promote", `{"reason":"r","timeout_ms":-1}`, 400, `"BADARG","message":"timeout_ms must be`},
		{"promote", `{"reason":"r","timeout_ms":900001}`, 400, `"BADARG"`},
		{"promote", `{"reason":"r","old":true}`, 400, `there is no field \"old\"`},
		{"depose", `{"reason":""}`, 400, `"BADARG","message":"reason is missing`},
		{"depose", `{"reason":"` + strings.Repeat("x", 513) + `"}`, 400, `"TOOBIG"`},
		{"depose", `{"reason":"the disk fails"}`, 200, `{"image":"image-9"}`},
	} {
		if status, answer := askJSON(t, base+"/api/v1/"+c.path, c.body); status != c.status || !strings.Contains(answer, c.want) {
			t.Errorf("%s %s: %d %s, want %d with %s", c.path, c.body, status, answer, c.status, c.want)
		}
	}
	if len(f.promoted) != 2 || !f.promoted[0] || f.promoted[1] || f.waits[1] != 1500*time.Millisecond || f.steppedDown != 1 || s.successor.Load() == nil {
		t.Errorf("%+v", f)
	}
	var got []string
	for records, _, _ := f.Audit().Since(0, 9); len(records) > 0; records = records[1:] {
		got = append(got, strings.Join([]string{string(records[0].Event), records[0].Outcome, records[0].By, records[0].Reason}, " "))
	}
	want := "promote asked ann the rack is dark; promote done ann the rack is dark; promote asked ann a test; promote done ann a test; " +
		"depose asked ann the disk fails; depose done ann the disk fails"
	if strings.Join(got, "; ") != want {
		t.Errorf("%q", got)
	}
}

// TestPromoteAndDeposeInJSONRefused: the codes, and that nothing is done.
func TestPromoteAndDeposeInJSONRefused(t *testing.T) {
	full := audit.New(fullDisk{}, slog.New(slog.DiscardHandler))
	for _, c := range []struct {
		name    string
		f       *fake
		path    string
		headers []string
		status  int
		code    string
	}{
		{"the old primary may be alive", &fake{promotion: errors.New("not confirmed")}, "promote", nil, 409, "CONFLICT"},
		{"the server stops by itself", &fake{stopping: true}, "depose", nil, 503, "SHUTDOWN"},
		{"no audit, no promotion", &fake{audit: full}, "promote", nil, 429, "LIMIT"},
		{"no audit, no end", &fake{audit: full}, "depose", nil, 429, "LIMIT"},
		{"a form of a web page", &fake{}, "promote", []string{"Content-Type", "text/plain"}, 400, "BADARG"},
		{"a page of another origin", &fake{}, "promote", []string{"Origin", "http://evil.example"}, 403, "DENIED"},
		{"a page of another site", &fake{}, "depose", []string{"Sec-Fetch-Site", "cross-site"}, 403, "DENIED"},
		{"a token that may not", &fake{}, "depose", []string{"Authorization", "Bearer b"}, 403, "DENIED"},
	} {
		_, base := serve(t, c.f)
		status, answer := askJSON(t, base+"/api/v1/"+c.path, `{"reason":"r"}`, c.headers...)
		if status != c.status || !strings.HasPrefix(answer, `{"code":"`+c.code+`"`) {
			t.Errorf("%s: %d %s, want %d %s", c.name, status, answer, c.status, c.code)
		}
		if asked := c.f.promotion != nil || c.f.stopping; !asked && len(c.f.promoted)+c.f.steppedDown > 0 {
			t.Errorf("%s: it was done", c.name)
		}
	}
}
