package codec

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestEachErrorHasMeaning(t *testing.T) {
	lines, ok := Help([]byte("errors"))
	if !ok {
		t.Fatal("there is no HELP ERRORS")
	}
	for code := OK + 1; code < CodeCount; code++ {
		m := Meanings[code]
		if m.Text == "" || strings.HasSuffix(m.Text, ".") {
			t.Errorf("%s: %q", code, m.Text)
		}
		shown := slices.Contains(lines, code.String()+" - "+m.Fate.String()+" - "+m.Text)
		if shown == m.Later {
			t.Errorf("%s in HELP ERRORS: %v", code, shown)
		}
	}
}

// TestProtocolTellsSameOfErrors compares the columns "lost" and "again" of the table.
func TestProtocolTellsSameOfErrors(t *testing.T) {
	text, err := os.ReadFile("../PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 {
			continue
		}
		for word := range strings.FieldsSeq(cells[1]) {
			rows[strings.Trim(word, "`")] = cells
		}
	}
	for code := OK + 1; code < CodeCount; code++ {
		m, row := Meanings[code], rows[code.String()]
		if m.Later {
			continue
		}
		if row == nil {
			t.Errorf("%s is not in the table", code)
			continue
		}
		lost, again := strings.TrimSpace(row[4]), strings.TrimSpace(row[5])
		if (lost == "yes") != (m.Fate == FateLost) || again == "yes" && m.Fate != FateAgain || again == "never" && m.Fate != FateNever {
			t.Errorf("%s: lost %q, again %q, and HELP ERRORS says %s", code, lost, again, m.Fate)
		}
	}
}
