package engine

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// seen returns what connections have got, and which have been ended, in the order of their names.
func (st *stage) seen() (out []string) {
	for name := 'A'; name <= 'Z'; name++ {
		k := st.conns[string(name)]
		if k == nil {
			continue
		}
		for got := k.reads(); got != ""; {
			var line string
			line, got = nextReply(got)
			out = append(out, fmt.Sprintf("%c< %s", name, st.number(line)))
		}
		end := ""
		switch {
		case k.gone:
			end = fmt.Sprintf("%c is closed", name)
		case k.finished:
			end = fmt.Sprintf("%c gets no more", name)
		}
		if end != st.ended[string(name)] {
			st.ended[string(name)] = end
			out = append(out, end)
		}
	}
	return fold(out)
}

var tokenOfReply = regexp.MustCompile(`(token=|\$5 token :|HELD )(\d+)`)

// variable are fields that differ between runs: of HELLO, and times of the real clock.
var variable = regexp.MustCompile(`((?:features|lineage)=)"[^"]*"|(epoch=)\d+|(\$[78] (?:features|lineage)) \$\d+ [0-9a-z,-]+|` +
	`(\$5 epoch) :\d+|(\bat_ms=)\d{13}`)

// viewAge is the age of a view, which is 0 on a machine that is fast enough.
var viewAge = regexp.MustCompile(`(age_ms(?:=| :))\d+( (?:\$9 )?truncated)`)

// number replaces tokens by numbers, in the order in which they appear. It checks that those of a
// start are larger than all before it.
func (st *stage) number(line string) string {
	line = viewAge.ReplaceAllString(variable.ReplaceAllString(line, "$1$2$3$4$5..."), "${1}0$2")
	return tokenOfReply.ReplaceAllStringFunc(line, func(found string) string {
		m := tokenOfReply.FindStringSubmatch(found)
		if !slices.Contains(st.tokens, m[2]) {
			if n, _ := strconv.ParseUint(m[2], 10, 64); n <= st.before {
				st.fail("token %d after a start, and %d before it", n, st.before)
			}
			st.tokens = append(st.tokens, m[2])
		}
		return m[1] + strconv.Itoa(slices.Index(st.tokens, m[2])+1)
	})
}

// nextReply cuts a line of text, or a value of RESP on one line, off the front of what has arrived.
func nextReply(got string) (line, rest string) {
	end := strings.Index(got, "\n") + 1
	if end == 0 {
		return fmt.Sprintf("%q, without its end", got), ""
	}
	line, rest = got[:end], got[end:]
	cut, resp := strings.CutSuffix(line, "\r\n")
	if !resp {
		return strings.TrimSuffix(line, "\n"), rest
	}
	n, _ := strconv.Atoi(cut[1:])
	switch cut[0] {
	case '$':
		if n >= 0 && len(rest) >= n+2 {
			return cut + " " + rest[:n], rest[n+2:]
		}
	case '*', '%', '>':
		if cut[0] == '%' {
			n *= 2
		}
		for range n {
			var value string
			value, rest = nextReply(rest)
			cut += " " + value
		}
	}
	return cut, rest
}

// fold counts equal lines that follow each other.
func fold(lines []string) (out []string) {
	for i := 0; i < len(lines); {
		n := 1
		for i+n < len(lines) && lines[i+n] == lines[i] {
			n++
		}
		line := lines[i]
		if n > 1 {
			line += fmt.Sprintf(" x %d", n)
		}
		out = append(out, line)
		i += n
	}
	return out
}
