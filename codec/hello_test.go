package codec

import (
	"fmt"
	"strings"
	"testing"
)

func words(line string) (list [][]byte) {
	for _, w := range strings.Fields(line) {
		list = append(list, []byte(strings.ReplaceAll(w, "_", "")))
	}
	return list
}

// TestHello has the words after HELLO; _ stands for an empty word.
func TestHello(t *testing.T) {
	const resp, text = "HELLO takes [2|3] [AUTH <user> <token>] [SETNAME <name>] [NAME <text>] [ALIVE <ms>]", "HELLO takes [NAME <text>] [ALIVE <ms>]"
	const range_ = "ALIVE must be a number from 1000 to 600000, in milliseconds"
	for _, c := range []struct {
		form       Form
		line, want string
	}{
		{FormText, "", `proto=0 token="" name=nil alive=0`},
		{FormText, "name web-3/4711 alive 5000", `proto=0 token="" name="web-3/4711" alive=5000`},
		{FormText, "ALIVE 1000 NAME _", `proto=0 token="" name="" alive=1000`},
		{FormText, "NAME a NAME b ALIVE 600000", `proto=0 token="" name="b" alive=600000`},
		{FormText, "NAME", text},
		{FormText, "3", text},
		{FormText, "AUTH u t", text},
		{FormText, "SETNAME x", text},
		{FormText, "ALIVE 999", range_},
		{FormText, "ALIVE 600001", range_},
		{FormText, "ALIVE 1e3", range_},
		{FormText, "NAME " + n(64), `proto=0 token="" name="` + n(64) + `" alive=0`},
		{FormText, "NAME " + n(65), ConnNameTooLong},
		{FormRESP, "3 AUTH default tok SETNAME me ALIVE 9000", `proto=3 token="tok" name="me" alive=9000`},
		{FormRESP, "2", `proto=2 token="" name=nil alive=0`},
		{FormRESP, "name x", `proto=0 token="" name="x" alive=0`},
		{FormRESP, "4", HelloNoProto},
		{FormRESP, "03", HelloNoProto},
		{FormRESP, "three", HelloNoNumber},
		{FormRESP, "3 3", resp},
		{FormRESP, "3 AUTH u", resp},
		{FormRESP, "SETNAME " + n(65), ConnNameTooLong},
	} {
		var h Hello
		code, got := h.Parse(c.form, words(c.line))
		if code == OK {
			name := "nil"
			if h.Name != nil {
				name = fmt.Sprintf("%q", h.Name)
			}
			got = fmt.Sprintf("proto=%d token=%q name=%s alive=%d", h.Proto, h.Token, name, h.AliveMs)
		}
		if got != c.want {
			t.Errorf("HELLO %s: %v %s, want %s", c.line, code, got, c.want)
		}
	}
}

// FuzzHello checks that any words are within the limits, or are refused with a reason.
func FuzzHello(f *testing.F) {
	for _, line := range []string{"", "3", "NAME x ALIVE 5000", "2 AUTH a b SETNAME c", "ALIVE", "ALIVE 0", "9 x"} {
		f.Add(line, true)
		f.Add(line, false)
	}
	f.Fuzz(func(t *testing.T, line string, resp bool) {
		form := FormText
		if resp {
			form = FormRESP
		}
		var h Hello
		code, problem := h.Parse(form, words(line))
		switch {
		case (code == OK) != (problem == ""):
			t.Fatalf("%v and %q", code, problem)
		case code != OK:
		case len(h.Name) > ConnNameMax, h.AliveMs != 0 && (h.AliveMs < AliveMinMs || h.AliveMs > AliveMaxMs):
			t.Fatalf("%+v", h)
		case h.Proto != 0 && h.Proto != 2 && h.Proto != 3, form == FormText && (h.Proto != 0 || h.Token != nil):
			t.Fatalf("%+v", h)
		}
	})
}
