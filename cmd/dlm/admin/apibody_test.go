package admin

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestWrongBodiesAreExplained has a body for each mistake. The answers are in the server's words:
// which field, and what is expected.
func TestWrongBodiesAreExplained(t *testing.T) {
	const force = "a JSON object with name, token, reason"
	for _, c := range []struct{ path, body, want string }{
		{"force-release", ``, "the body is empty: send " + force},
		{"force-release", `{"name":"a"`, "the body ends within its JSON object"},
		{"force-release", `{name:1}`, "the body is no JSON: byte 2 of it is wrong"},
		{"force-release", `["a"]`, "the body is a list: send " + force},
		{"force-release", `"a"`, "the body is a string: send " + force},
		{"force-release", `{"name":"a","token":"7"}`, "token is a string, and must be a whole number from 0 on"},
		{"force-release", `{"name":"a","token":-7}`, "token is the number -7, and must be a whole number from 0 on"},
		{"force-release", `{"name":"a","token":1.5}`, "token is the number 1.5, and must be a whole number from 0 on"},
		{"force-release", `{"name":7}`, "name is a number, and must be a string"},
		{"force-release", `{"name":{}}`, "name is an object, and must be a string"},
		{"force-release", `{"lock":"a"}`, `there is no field "lock": send ` + force},
		{"force-release", `{"` + strings.Repeat("x", 500) + `":1}`, `there is no field "` + strings.Repeat("x", 63) + `: send ` + force},
		{"force-release", `{} {}`, "the body has more than one object"},
		{"force-release", `{"name":"` + strings.Repeat("x", bodyMax) + `"}`, "a body has at most 8192 bytes"},
		{"disconnect", `{"client":true}`, "client is true or false, and must be a whole number"},
		{"promote", `{"old_is_dead":"yes"}`, "old_is_dead is a string, and must be true or false"},
		{"snapshot", `{"reason":"r"}`, `there is no field "reason": send {}`},
	} {
		_, base := serve(t, &fake{})
		status, answer := askJSON(t, base+"/api/v1/"+c.path, c.body)
		var got struct{ Code, Message string }
		if err := json.Unmarshal([]byte(answer), &got); err != nil {
			t.Fatal(err)
		}
		if status != 400 || got.Message != c.want {
			t.Errorf("%s %.80s: %d %s\nwant %s", c.path, c.body, status, got.Message, c.want)
		}
	}
}
