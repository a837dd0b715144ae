package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// fact is one event that a log call names.
type fact struct {
	event, level, message string // a message ends where it ceases to be constant
	at                    token.Position
}

// levelOfTable has the level of events that stand in a table of the source, by its file.
var levelOfTable = map[string]string{"announce.go": "info", "logwaits.go": "warn"}

// factFinder collects the events of files. It reports calls that name none.
type factFinder struct {
	t      *testing.T
	set    *token.FileSet
	consts map[string]string // of audit.Event
	facts  []fact
}

// TestNamesOfLogEvents goes over all log calls of the server. Each has an event, and no two
// facts share one. OPERATIONS.md has the same list.
func TestNamesOfLogEvents(t *testing.T) {
	f := &factFinder{t: t, set: token.NewFileSet(), consts: map[string]string{}}
	var trees []*ast.File
	for _, dir := range []string{"engine", "cmd/dlm", "table", "codec"} {
		err := filepath.WalkDir(filepath.Join(repository, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			tree, err := parser.ParseFile(f.set, path, nil, 0)
			trees = append(trees, tree)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tree := range trees {
		f.constants(tree)
	}
	for _, tree := range trees {
		for _, d := range tree.Decls {
			f.walk(d)
		}
	}
	if len(f.facts) < 50 {
		t.Fatalf("only %d events found", len(f.facts))
	}
	documented := documentedEvents(t)
	seen := map[string]fact{}
	for _, x := range f.facts {
		if other, taken := seen[x.event]; taken {
			t.Errorf("%s: %q is the event of %s, too: each fact has a name of its own", x.at, x.event, other.at)
		}
		seen[x.event] = x
		if row := fmt.Sprintf("| `%s` | %s | %s |", x.event, x.level, inRow(x.message)); documented[x.event] != row {
			t.Errorf("OPERATIONS.md on an event:\n%s\nwant\n%s", documented[x.event], row)
		}
	}
	for event := range documented {
		if _, known := seen[event]; !known {
			t.Errorf("OPERATIONS.md: nothing logs the event %s", event)
		}
	}
}

var firstSentence = regexp.MustCompile(`^(?:[^.;]|\.\w)*`)

// inRow returns the first sentence of a message, as a table shows it.
func inRow(message string) string {
	if message == "" {
		return "(of a library)"
	}
	return "`" + strings.TrimRight(firstSentence.FindString(message), ": ") + "`"
}

// documentedEvents returns the rows of the list of events, by event.
func documentedEvents(t *testing.T) map[string]string {
	_, text, _ := strings.Cut(readDocument(t, "OPERATIONS.md"), "\n### Events of the log\n")
	text, _, _ = strings.Cut(text, "\n#")
	rows := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| .*$").FindAllStringSubmatch(text, -1) {
		rows[m[1]] = m[0]
	}
	return rows
}

// constants collects the constants of the type Event.
func (f *factFinder) constants(tree *ast.File) {
	ast.Inspect(tree, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Event" {
			f.consts[spec.Names[0].Name] = f.text(spec.Values[0])
		}
		return true
	})
}

// walk collects the events of one declaration.
func (f *factFinder) walk(in ast.Decl) {
	ast.Inspect(in, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			f.call(n, in)
		case *ast.CompositeLit:
			f.table(n)
		}
		return true
	})
}

// call looks at one call in a declaration.
func (f *factFinder) call(n *ast.CallExpr, in ast.Decl) {
	method, ok := n.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	levels := map[string]string{"Debug": "debug", "Info": "info", "Warn": "warn", "Error": "error"}
	level, logs := levels[method.Sel.Name]
	of := f.name(method.X)
	switch {
	case of == "slog" && method.Sel.Name == "NewRecord":
		f.record(n, in)
	case of == "slog" && method.Sel.Name == "NewLogLogger":
		f.event(n, n.Args[0], f.level(n.Args[1]), "")
	case logs && strings.EqualFold(of, "log") && n.Ellipsis != token.NoPos:
		// The function makes the list.
		f.event(n, in, level, f.text(n.Args[0]))
	case logs && (of == "slog" || strings.EqualFold(of, "log")):
		f.event(n, n, level, f.text(n.Args[0]))
	case method.Sel.Name == "LogAttrs" && strings.EqualFold(of, "log"):
		f.event(n, in, f.level(n.Args[1]), f.text(n.Args[2]))
	}
}

// record looks at a record that a function makes by itself.
func (f *factFinder) record(n *ast.CallExpr, in ast.Decl) {
	f.event(n, in, f.level(n.Args[1]), f.text(n.Args[2]))
}

// event adds the event that is named somewhere in a part of the source.
func (f *factFinder) event(n *ast.CallExpr, in ast.Node, level, message string) {
	found := false
	ast.Inspect(in, func(part ast.Node) bool {
		var list []ast.Expr
		switch part := part.(type) {
		case *ast.CallExpr:
			list = part.Args
		case *ast.CompositeLit:
			list = part.Elts
		}
		for i := 0; i+1 < len(list); i++ {
			if f.text(list[i]) != "event" {
				continue
			}
			found = true
			// An event that is no literal comes from a table, whose events are collected there.
			if text := f.text(list[i+1]); text != "" {
				f.facts = append(f.facts, fact{text, level, message, f.set.Position(n.Pos())})
			}
		}
		return true
	})
	if !found {
		f.t.Errorf("%s: a log record without the key event", f.set.Position(n.Pos()))
	}
}

// table adds the events of a composite literal: one with the fields event and message, or the
// messages of the audit.
func (f *factFinder) table(n *ast.CompositeLit) {
	at := f.set.Position(n.Pos())
	tree := filepath.Base(filepath.Dir(at.Filename))
	var x fact
	for _, e := range n.Elts {
		pair, ok := e.(*ast.KeyValueExpr)
		if !ok {
			return
		}
		key, _ := pair.Key.(*ast.Ident)
		words, _ := pair.Value.(*ast.CompositeLit)
		switch {
		case key == nil:
		case key.Name == "event":
			x.event = f.text(pair.Value)
		case key.Name == "message":
			x.message = f.text(pair.Value)
		case tree == "audit" && f.consts[key.Name] != "" && words != nil && len(words.Elts) == 2:
			f.facts = append(f.facts, fact{f.consts[key.Name], f.level(words.Elts[1]), f.text(words.Elts[0]), at})
		}
	}
	if x.event != "" {
		x.level, x.at = levelOfTable[filepath.Base(at.Filename)], at
		f.facts = append(f.facts, x)
	}
}

// level returns the word of slog.LevelWarn and the like; "any" of a variable.
func (f *factFinder) level(e ast.Expr) string {
	if word, ok := strings.CutPrefix(f.name(e), "Level"); ok {
		return strings.ToLower(word)
	}
	return "any"
}

// name returns the last word of a name such as g.e.cfg.Log.
func (f *factFinder) name(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// text returns the constant beginning of a string, "" if there is none.
func (f *factFinder) text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		return text
	case *ast.BinaryExpr:
		if f.constant(e.X) {
			return f.text(e.X) + f.text(e.Y)
		}
		return f.text(e.X)
	}
	return ""
}

// constant reports whether a string has only constant parts.
func (f *factFinder) constant(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.BinaryExpr:
		return f.constant(e.X) && f.constant(e.Y)
	}
	return false
}
