package codec

import "testing"

// TestErrorsWithData has data between the code and the words, in both forms.
func TestErrorsWithData(t *testing.T) {
	for _, c := range []struct {
		form      Form
		tag, data string
		want      string
	}{
		{FormText, "", "locks", "ERROR LIMIT locks words\n"},
		{FormText, "t", "locks", "@t ERROR LIMIT locks words\n"},
		{FormText, "", "", "ERROR LIMIT words\n"},
		{FormRESP, "", "locks", "-LIMIT locks words\r\n"},
		{FormRESP, "", "", "-LIMIT words\r\n"},
	} {
		var w Writer
		w.Start(c.form, []byte(c.tag))
		w.ErrorData(Limit, []byte(c.data), "words")
		if string(w.Buf) != c.want {
			t.Errorf("got %q, want %q", w.Buf, c.want)
		}
	}
}

func TestLimitsHaveWordsOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for which := range Which(len(whichWords)) {
		word := which.String()
		if seen[word] || (word == "") != (which == WhichNone) {
			t.Errorf("limit %d is called %q", which, word)
		}
		seen[word] = true
	}
}
