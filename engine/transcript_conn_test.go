package engine

import (
	"regexp"
	"strconv"
	"strings"
)

// conn returns the connection of that name, which opens on its loop when it is first named.
func (st *stage) conn(name string) *client {
	if st.conns[name] == nil {
		st.conns[name] = st.sim.dial(int(name[0]-'A') % 2)
	}
	return st.conns[name]
}

// opens opens a connection as a command says, and reports whether the command is one to do so.
func (st *stage) opens(name, command string) bool {
	loop := int(name[0]-'A') % 2
	if value, is := strings.CutPrefix(command, "on "); is {
		loop, _ = strconv.Atoi(value)
		st.conns[name] = st.sim.dial(loop)
	} else if value, is := strings.CutPrefix(command, "from "); is {
		st.conns[name] = st.sim.dialFrom(loop, value)
	} else if value, is := strings.CutPrefix(command, "arrives from "); is {
		st.conns[name] = st.sim.arrive(loop, value)
	} else {
		return false
	}
	return true
}

// connection executes a command about a connection.
func (st *stage) connection(name, sends, rest string) (out []string) {
	if sends == "" && st.opens(name, rest) {
		if st.conns[name] == nil {
			out = append(out, name+" finds no place")
		}
		return out
	}
	verb, value, _ := strings.Cut(rest, " ")
	k := st.conn(name)
	switch {
	case sends == ">":
		k.send(lines(rest))
	case sends == ">>":
		for _, read := range st.quoted(rest) {
			k.send(read)
		}
	case rest == "closes":
		k.hangUp()
	case rest == "ends":
		k.endInput()
	case rest == "has ended":
		k.left = true
	case rest == "breaks":
		k.broken = true
	case rest == "stops reading":
		k.stuck = true
	case verb == "reads":
		n, _ := strconv.Atoi(value)
		k.takes(n)
	default:
		st.fail("no such command")
	}
	return nil
}

// lines returns the bytes of what is sent in one read.
func lines(text string) string {
	var b strings.Builder
	text, times, _ := cutTimes(text)
	for _, line := range strings.Split(text, "; ") {
		if array, is := strings.CutPrefix(line, "resp: "); is {
			b.WriteString(lineArray(array))
		} else {
			b.WriteString(line + "\n")
		}
	}
	return strings.Repeat(b.String(), times)
}

var timesEnd = regexp.MustCompile(`^(.*?)(?:; \.\.\.)? x (\d+)$`)

// cutTimes cuts "x 100" off the end of a text.
func cutTimes(text string) (rest string, times int, found bool) {
	m := timesEnd.FindStringSubmatch(text)
	if m == nil {
		return text, 1, false
	}
	n, _ := strconv.Atoi(m[2])
	return m[1], n, true
}

// quoted returns the reads of strings in the quotes of Go.
func (st *stage) quoted(text string) (reads []string) {
	text, times, _ := cutTimes(text)
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		prefix, err := strconv.QuotedPrefix(text)
		if err != nil {
			st.fail("%v", err)
		}
		read, _ := strconv.Unquote(prefix)
		reads = append(reads, strings.Repeat(read, times))
		text = text[len(prefix):]
	}
	return reads
}

var tokenOfCommand = regexp.MustCompile(`<(\d+)>`)

// withTokens replaces <1> by the token with that number.
func (st *stage) withTokens(command string) string {
	return tokenOfCommand.ReplaceAllStringFunc(command, func(found string) string {
		n, _ := strconv.Atoi(strings.Trim(found, "<>"))
		if n < 1 || n > len(st.tokens) {
			st.fail("%d tokens were seen", len(st.tokens))
		}
		return st.tokens[n-1]
	})
}
