package settings

import (
	"fmt"
	"testing"
)

func TestParseSize(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64 // -1: an error
	}{
		{"0", 0}, {"4096", 4096}, {"1MiB", 1 << 20}, {"256MiB", 256 << 20}, {"1gib", 1 << 30}, {"2TiB", 2 << 40},
		{"8 KiB", 8 << 10}, {"10B", 10}, {"1KB", 1000}, {"1MB", 1e6}, {"3GB", 3e9},
		{"", -1}, {"-1", -1}, {"MiB", -1}, {"1M", -1}, {"1.5GiB", -1}, {"1MiBMiB", -1},
		{"9223372036854775807", 1<<63 - 1}, {"9223372036854775808", -1}, {"8388608TiB", -1},
	} {
		t.Run(c.text, func(t *testing.T) {
			got, err := parseSize(c.text)
			if err != nil {
				got = -1
			}
			if got != c.want {
				t.Errorf("got %d, %v; want %d", got, err, c.want)
			}
		})
	}
}

func TestFormatSizeIsReadBack(t *testing.T) {
	for _, c := range []struct {
		n    int64
		want string
	}{{0, "0"}, {1, "1"}, {1000, "1000"}, {1 << 10, "1KiB"}, {256 << 20, "256MiB"}, {1<<20 + 1, "1048577"}, {3 << 40, "3TiB"}} {
		got := formatSize(c.n)
		back, err := parseSize(got)
		if got != c.want || back != c.n || err != nil {
			t.Errorf("%d: got %q, read back as %d, %v; want %q", c.n, got, back, err, c.want)
		}
	}
}

func TestParsersRefuse(t *testing.T) {
	parsers := map[string]func(string) error{
		"text":     into(new(string), parseText),
		"count":    into(new(int), parseCount),
		"bool":     into(new(bool), parseBool),
		"limit":    into(new(int64), parseLimit),
		"level":    func(s string) error { _, err := parseLevel(s); return err },
		"format":   into(new(string), parseFormat),
		"duration": func(s string) error { _, err := parseDuration(s); return err },
	}
	for name, words := range map[string][]string{
		"text":     {""},
		"count":    {"", "0", "-1", "1.5", "1e3", "many", "99999999999999999999"},
		"bool":     {"", "yes", "on", "2"},
		"limit":    {"", "0", "0MiB"},
		"level":    {"", "trace", "INFO+1", "0"},
		"format":   {"", "xml", "JSON"},
		"duration": {"", "0s", "-1s", "10", "1.5", "soon"},
	} {
		for _, word := range words {
			t.Run(fmt.Sprintf("%s %q", name, word), func(t *testing.T) {
				if parsers[name](word) == nil {
					t.Error("it was taken")
				}
			})
		}
	}
}

func TestParsePrefixes(t *testing.T) {
	for text, want := range map[string]string{
		"10.1.0.0/16":                "[10.1.0.0/16]",
		"10.1.2.3/16, 192.0.2.7,::1": "[10.1.0.0/16 192.0.2.7/32 ::1/128]",
		"10.1.0.0/33":                "",
		"proxy.example":              "",
		"10.0.0.1,":                  "",
	} {
		got, err := parsePrefixes(text)
		if (err == nil) != (want != "") || err == nil && fmt.Sprint(got) != want {
			t.Errorf("%q: %v, %v; want %s", text, got, err, want)
		}
	}
}
