package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// columnsMax is the longest line of a comment or of Markdown prose. A tab counts as four columns.
const columnsMax = 100

// subjectMax is the longest subject of a commit, in bytes.
const subjectMax = 70

// tidySince is the last commit whose message the test does not check.
const tidySince = "8f63c051"

// banned lists what comments and documents do not say, each with its replacement.
var banned = []struct {
	pattern *regexp.Regexp
	say     string
}{
	{word(`ways?`), "how, or name the thing"},
	{word(`common course`), "name the commands"},
	{word(`comes? to the same`), "has the same result"},
	{word(`behind`), "after; lags"},
	{word(`at once`), "immediately, or at the same time"},
	{word(`of then`), "name the moment"},
	{word(`no news`), "say what it is"},
	{word(`long since`), "leave it out"},
	{word(`in vain`), "without result"},
	{word(`tells? whether`), "reports whether"},
	{word(`(tests?|test\w+) holds? (that|the)`), "checks that"},
	{word(`couriers?|rouses?d?|dooms?|doomed|lockers?|expiry times?`), "the word of the glossary"},
}

// word returns the pattern for whole words, in any case.
func word(words string) *regexp.Regexp { return regexp.MustCompile(`(?i)\b(` + words + `)\b`) }

// riddle matches a sentence whose subject names nothing.
var riddle = regexp.MustCompile(`(?:^|[.!?:;] )((?:Who|Whoever|Whose|What|Whatever|Those|Of those|That of) [^.!?]*[.!?]?)`)

// retired lists identifiers whose replacement CONTRIBUTING.md and the packages use.
var retired = map[string]string{
	"mayGrant": "reserveGrant", "lookUp": "find", "OldHash": "HashV1", "courier": "outbox",
	"rouse": "wake", "doom": "evict", "buried": "evicted", "dying": "evicting", "obey": "handle",
	"alarm": "wakeTimer", "bell": "wake", "ringBefore": "wakeBefore", "loan": "extraProc",
	"lendThreads": "addProcs", "beside": "withExtraProc", "shell": "gnetServer",
	"standing": "recoveryState", "standsUnseen": "unverified", "standsNamed": "confirmed",
	"standsBarred": "fenced", "taker": "successor", "Taker": "Successor", "Depose": "StepDown",
	"Deposed": "SteppedDown", "entrant": "server", "verdict": "result",
	"spareCollector": "tuneGC", "Plain": "LockCommand", "runPlain": "Run",
	"Burst": "Batch", "AppendUncounted": "AppendCommand",
}

// problem is one finding, with its file and line.
type problem struct {
	file string
	line int
	text string
}

func TestProseIsPlainEnglish(t *testing.T) {
	var found []problem
	checked := 0
	err := filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != repository && strings.HasPrefix(name, ".") && name != ".ci" || name == "node_modules" || name == "bin" {
				return filepath.SkipDir
			}
			return nil
		}
		relative, err := filepath.Rel(repository, path)
		if err != nil {
			return err
		}
		check := checkerOf(relative)
		if check == nil {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		checked++
		found = append(found, check(filepath.ToSlash(relative), source)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 100 {
		t.Errorf("only %d files found", checked)
	}
	for _, p := range found {
		t.Errorf("%s:%d: %s", p.file, p.line, p.text)
	}
}

// checkerOf returns the check for a kind of file, or nil if it has no prose.
func checkerOf(path string) func(file string, source []byte) []problem {
	switch base := filepath.Base(path); {
	case strings.HasSuffix(base, ".go"):
		return checkGo
	case strings.HasSuffix(base, ".md"):
		return checkMarkdown
	case strings.HasSuffix(base, ".s"), strings.HasSuffix(base, ".js"):
		return func(file string, source []byte) []problem { return checkScript(file, source, "//") }
	case base == "Makefile", strings.HasSuffix(base, ".sh"), strings.HasSuffix(base, ".py"),
		strings.HasPrefix(path, ".ci"+string(filepath.Separator)):
		return func(file string, source []byte) []problem { return checkScript(file, source, "#") }
	}
	return nil
}

// checkGo checks the comments and the identifiers of a Go file.
func checkGo(file string, source []byte) (found []problem) {
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, file, source, parser.ParseComments)
	if err != nil {
		var list scanner.ErrorList
		if errors.As(err, &list) {
			return []problem{{file, list[0].Pos.Line, list[0].Msg}}
		}
		return []problem{{file, 1, err.Error()}}
	}
	lines := strings.Split(string(source), "\n")
	for _, group := range tree.Comments {
		var prose []string
		first := files.Position(group.Pos()).Line
		for n, comment := range group.List {
			line := files.Position(comment.Pos()).Line
			if strings.HasPrefix(comment.Text, "//go:") {
				prose = append(prose, "")
				continue
			}
			if columns(lines[line-1]) > columnsMax {
				found = append(found, problem{file, line, "a line over 100 columns"})
			}
			text := strings.TrimPrefix(comment.Text, "//")
			if strings.HasPrefix(text, "\t") || strings.HasPrefix(text, " #") {
				text = "" // code, a table or a heading
			}
			for len(prose) < n {
				prose = append(prose, "")
			}
			prose = append(prose, text)
		}
		found = append(found, checkProse(file, first, prose)...)
	}
	ast.Inspect(tree, func(node ast.Node) bool {
		if name, ok := node.(*ast.Ident); ok {
			if say, gone := retired[name.Name]; gone {
				found = append(found, problem{file, files.Position(name.Pos()).Line, fmt.Sprintf("the name %s is retired: %s", name.Name, say)})
			}
		}
		return true
	})
	return found
}

// checkMarkdown checks the prose of a document. Tables, headings and code blocks may be wide.
func checkMarkdown(file string, source []byte) (found []problem) {
	var prose []string
	fenced := false
	for n, line := range strings.Split(string(source), "\n") {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if fence {
			fenced = !fenced
		}
		code := fence || fenced || strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "\t")
		if code || strings.HasPrefix(line, "|") || strings.HasPrefix(line, "#") {
			prose = append(prose, "")
			continue
		}
		if columns(line) > columnsMax && !strings.HasPrefix(line, "[") {
			found = append(found, problem{file, n + 1, "a line over 100 columns"})
		}
		prose = append(prose, line)
	}
	return append(found, checkProse(file, 1, prose)...)
}

// checkScript checks the lines that are comments and nothing else.
func checkScript(file string, source []byte, mark string) (found []problem) {
	var prose []string
	for n, line := range strings.Split(string(source), "\n") {
		text, isComment := strings.CutPrefix(strings.TrimSpace(line), mark)
		if !isComment {
			prose = append(prose, "")
			continue
		}
		if columns(line) > columnsMax {
			found = append(found, problem{file, n + 1, "a line over 100 columns"})
		}
		prose = append(prose, text)
	}
	return append(found, checkProse(file, 1, prose)...)
}

// columns returns the width of a line.
func columns(line string) int {
	return utf8.RuneCountInString(line) + 3*strings.Count(line, "\t")
}

// quoted matches what a text quotes: code, and words of a client or a program.
var quoted = regexp.MustCompile("`[^`]*`|\"[^\"]*\"")

// checkProse checks each paragraph of the lines. The first line has the number first.
func checkProse(file string, first int, lines []string) (found []problem) {
	for begin := 0; begin < len(lines); begin++ {
		end := begin
		for end < len(lines) && strings.TrimSpace(lines[end]) != "" {
			end++
		}
		if end == begin {
			continue
		}
		text := strings.Join(lines[begin:end], " ")
		text = quoted.ReplaceAllStringFunc(text, func(s string) string { return strings.Repeat("x", len(s)) })
		text = strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "under way", "")
		for _, rule := range banned {
			if match := rule.pattern.FindString(text); match != "" {
				found = append(found, problem{file, first + begin, fmt.Sprintf("%q: say %s", match, rule.say)})
			}
		}
		for _, match := range riddle.FindAllStringSubmatch(text, -1) {
			if !strings.HasSuffix(match[1], "?") {
				found = append(found, problem{file, first + begin, fmt.Sprintf("%q: the subject names nothing", match[1])})
			}
		}
		begin = end
	}
	return found
}

func TestCommitMessages(t *testing.T) {
	if err := exec.Command("git", "-C", repository, "merge-base", "--is-ancestor", tidySince, "HEAD").Run(); err != nil {
		t.Skipf("git, or the history since %s, is not here: %v", tidySince, err)
	}
	out, err := exec.Command("git", "-C", repository, "log", "--no-merges", "--format=%x01%h%x00%s%x00%b%x00", "--name-only", tidySince+"..HEAD").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, commit := range strings.Split(string(out), "\x01")[1:] {
		field := strings.SplitN(commit, "\x00", 4)
		hash, subject, body, files := field[0], field[1], strings.TrimSpace(field[2]), strings.Fields(field[3])
		if len(subject) > subjectMax {
			t.Errorf("%s: the subject has %d bytes, more than %d: %s", hash, len(subject), subjectMax, subject)
		}
		core := slices.ContainsFunc(files, func(f string) bool {
			return strings.HasPrefix(f, "codec/") || strings.HasPrefix(f, "table/") || strings.HasPrefix(f, "engine/")
		})
		if core && body == "" {
			t.Errorf("%s changes codec, table or engine and its message has no body: %s", hash, subject)
		}
	}
}
