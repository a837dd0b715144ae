package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const repository = "../.."

// documentPorts are the ports in the scripts of documents. The tests replace them by free ones.
var documentPorts = []string{"7420", "7421", "7430", "7431"}

// block is a fenced block of a document.
type block struct{ language, text string }

// fencedBlocks returns the fenced blocks of a document, in their order.
func fencedBlocks(t *testing.T, document string) (blocks []block) {
	t.Helper()
	fence := regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")
	for _, m := range fence.FindAllStringSubmatch(readDocument(t, document), -1) {
		blocks = append(blocks, block{m[1], m[2]})
	}
	return blocks
}

func readDocument(t *testing.T, document string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, document))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReadmeScripts(t *testing.T) { runScripts(t, "README.md") }

func TestOperationsScripts(t *testing.T) { runScripts(t, "OPERATIONS.md") }

// runScripts runs the bash blocks of a document in one shell, as a reader who follows it does, in
// a directory of their own and on free ports. A block "output" holds what the block before it
// prints.
func runScripts(t *testing.T, document string) {
	needProgram(t, "nc", "netcat-openbsd")
	needProgram(t, "curl", "curl")
	var script strings.Builder
	var want []string // of each bash block; "..." if the document does not say
	script.WriteString("trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n")
	for _, b := range fencedBlocks(t, document) {
		switch b.language {
		case "bash":
			want = append(want, "...")
			fmt.Fprintf(&script, "%s\necho '%s'\n", b.text, endOfBlock)
		case "output":
			want[len(want)-1] = b.text
		case "sh", "shell", "console", "":
			t.Fatalf("a block in %q is run by no test: use bash, output or text", b.language)
		}
	}
	got := strings.Split(runDocumentScript(t, script.String()), endOfBlock+"\n")
	if len(got) != len(want)+1 {
		t.Fatalf("%d of %d blocks ran to their end", len(got)-1, len(want))
	}
	for i := range want {
		checkOutput(t, got[i], want[i])
	}
}

// endOfBlock is what a script prints after each block.
const endOfBlock = "== end of block =="

// runDocumentScript runs a script and returns its standard output.
func runDocumentScript(t *testing.T, script string) string {
	t.Helper()
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script = strings.ReplaceAll(script, "go build -trimpath", "go build -C "+root+" -trimpath")
	script = strings.ReplaceAll(script, "-o bin/dlm", "-o "+dir+"/bin/dlm")
	free := map[string]string{}
	for _, port := range documentPorts {
		_, free[port] = hostPort(t, freeAddr(t))
		script = regexp.MustCompile(`\b`+port+`\b`).ReplaceAllString(script, free[port])
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-eu", "-c", script)
	cmd.Dir = dir
	cmd.Env = cleanEnv("DLM_LISTEN=127.0.0.1:"+free["7420"], "DLM_HTTP=127.0.0.1:"+free["7421"])
	errs, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer errs.Close()
	cmd.Stderr = errs
	out, err := groupOutput(t, cmd)
	if err != nil {
		log, _ := os.ReadFile(errs.Name())
		t.Fatalf("%v\nstdout:\n%s\nstderr:\n%s", err, out, log)
	}
	return string(out)
}

// checkOutput compares the lines of an output with those of a document, where "..." stands for
// any text.
func checkOutput(t *testing.T, got, want string) {
	t.Helper()
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(want), `\.\.\.`, `(?s:.*)`) + "$"
	if want != "..." && !regexp.MustCompile(pattern).MatchString(got) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestReadmeClients runs the README's programs against a server, as the quick start leaves it.
func TestReadmeClients(t *testing.T) {
	p := startServer(t, nil)
	dial(t, p.addr).want(t, "ACQUIRE report worker-2 0", "OK")
	_, port := hostPort(t, p.addr)
	ran := map[string]bool{}
	for _, b := range fencedBlocks(t, "README.md") {
		source := strings.ReplaceAll(b.text, "7420", port)
		var cmd []string
		switch b.language {
		case "python":
			cmd = []string{needProgram(t, "python3", "python3"), "-c", source}
		case "js":
			cmd = []string{needProgram(t, "node", "nodejs"), "-e", source}
		case "go":
			main := "package main\nimport (\"bufio\"; \"fmt\"; \"log\"; \"net\")\nfunc main() {\n" + source + "}\n"
			cmd = []string{"go", "run", writeFile(t, "main.go", 0o644, main)}
		default:
			continue
		}
		ran[b.language] = true
		lines := strings.Count(strings.TrimSpace(b.text), "\n") + 1
		out := runClient(t, ".", cmd[0], cmd[1:]...)
		if lines > 6 || !strings.Contains(out, "count=1 lease_ms=10000\n") || !strings.Contains(out, "count=0") {
			t.Errorf("%s, %d lines: %s", b.language, lines, out)
		}
	}
	if len(ran) != 3 {
		t.Errorf("the README has programs in %v", ran)
	}
}

func TestReadmeTranscripts(t *testing.T) { playPlain(t, "README.md") }

func TestProtocolTranscripts(t *testing.T) { playPlain(t, "PROTOCOL.md") }

// TestProtocolTranscriptsOverTLS checks that a connection over TLS is like any other.
func TestProtocolTranscriptsOverTLS(t *testing.T) {
	s := startTLS(t, "")
	playTranscripts(t, "PROTOCOL.md", func() *client { return s.dial(t) })
}

// playPlain is playTranscripts over plain connections to a server of its own.
func playPlain(t *testing.T, document string) {
	p := startServer(t, nil)
	playTranscripts(t, document, func() *client { return dial(t, p.addr) })
}

// playTranscripts plays the conversations of a document. "A> x" sends x on connection A, and
// "A< y" expects y there. Numbers may differ, "..." stands for any words, and a token of the
// document stands for the one that was received.
func playTranscripts(t *testing.T, document string, connect func() *client) {
	played, watch := 0, connect()
	for _, b := range fencedBlocks(t, document) {
		if b.language != "text" {
			continue
		}
		played++
		conns := map[string]*client{"A": connect(), "B": connect(), "C": connect()}
		tokens := strings.NewReplacer()
		lines := strings.Split(strings.TrimSpace(b.text), "\n")
		for i, line := range lines {
			name, text := line[:1], line[3:]
			if line[1:3] == "> " {
				conns[name].send(t, tokens.Replace(text))
				if next := lines[min(i+1, len(lines)-1)]; next[:1] != name && next[1:3] == "> " {
					// The others come after it only if it waits.
					watch.waitWaiters(t, lockOf(text), 1)
				}
				continue
			}
			got := conns[name].receive(t)
			if !sameButNumbers(got, text) {
				t.Fatalf("%s\ngot %s", line, got)
			}
			if was, is := tokenIn(text), tokenIn(got); was != "" {
				tokens = strings.NewReplacer(was, is)
			}
		}
	}
	if played == 0 {
		t.Fatalf("%s has no conversation", document)
	}
}

// lockOf returns the name of the lock in a command.
func lockOf(command string) string {
	words := strings.Fields(command)
	if strings.HasPrefix(words[0], "@") {
		words = words[1:]
	}
	return words[1]
}

var (
	tokenField = regexp.MustCompile(`\btoken=(\d+)`)
	numberRun  = regexp.MustCompile(`=\d+`)
)

func tokenIn(reply string) string {
	if m := tokenField.FindStringSubmatch(reply); m != nil {
		return m[1]
	}
	return ""
}

func sameButNumbers(got, want string) bool {
	start, open := strings.CutSuffix(want, "...")
	got, start = numberRun.ReplaceAllString(got, "=N"), numberRun.ReplaceAllString(start, "=N")
	return got == start || open && strings.HasPrefix(got, start)
}

// TestDocumentsHaveNoDeadLinks follows the links of every document inside the repository, with
// their anchors.
func TestDocumentsHaveNoDeadLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, document := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(readDocument(t, document), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			path, anchor, _ := strings.Cut(m[1], "#")
			if path == "" {
				path = filepath.Base(document)
			}
			target := filepath.Join(filepath.Dir(document), path)
			if _, err := os.Stat(filepath.Join(repository, target)); err != nil {
				t.Errorf("%s links to %s, which does not exist", document, m[1])
			} else if anchor != "" && !hasAnchor(readDocument(t, target), anchor) {
				t.Errorf("%s links to %s, which has no such heading", document, m[1])
			}
		}
	}
}

// hasAnchor reports whether a document has a heading that gets the anchor: lower case, without
// punctuation, with hyphens for spaces.
func hasAnchor(text, anchor string) bool {
	heading := regexp.MustCompile(`(?m)^#+ (.*)$`)
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		if strings.ReplaceAll(name, " ", "-") == anchor {
			return true
		}
	}
	return false
}

// documents returns every Markdown file of the repository, as paths from its root.
func documents(t *testing.T) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(repository, func(path string, entry os.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && entry.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if filepath.Ext(path) == ".md" {
			short, _ := filepath.Rel(repository, path)
			paths = append(paths, short)
		}
		return err
	})
	if err != nil || len(paths) < 5 {
		t.Fatalf("%v %v", paths, err)
	}
	return paths
}

// TestContributingNamesFilesThatExist checks every path in CONTRIBUTING.md, and every target of
// make.
func TestContributingNamesFilesThatExist(t *testing.T) {
	paths := 0
	text := readDocument(t, "CONTRIBUTING.md")
	for _, m := range regexp.MustCompile("`([a-z]+(?:/[\\w.]+)*/?[\\w]*(?:\\.go|\\.md)?)`").FindAllStringSubmatch(text, -1) {
		if !strings.Contains(m[1], "/") {
			continue
		}
		paths++
		if _, err := os.Stat(filepath.Join(repository, m[1])); err != nil {
			t.Errorf("there is no %s", m[1])
		}
	}
	if paths < 40 {
		t.Errorf("only %d paths", paths)
	}
	makefile := readDocument(t, "Makefile")
	for _, m := range regexp.MustCompile("`make ([a-z-]+)`").FindAllStringSubmatch(text, -1) {
		if !strings.Contains(makefile, "\n"+m[1]+":") {
			t.Errorf("there is no make %s", m[1])
		}
	}
}

// TestOperationsNamesWhatServerSays looks up the fields of section 12 and the messages of
// section 13 in the source of the server.
func TestOperationsNamesWhatServerSays(t *testing.T) {
	source := serverSource(t)
	_, text, _ := strings.Cut(readDocument(t, "OPERATIONS.md"), "\n## 12. ")
	checked := 0
	for line := range strings.Lines(text) {
		cell, _, row := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		if !row {
			continue
		}
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
			checked++
			words := strings.TrimSuffix(strings.TrimSuffix(m[1], "..."), " ")
			if path, api := strings.CutPrefix(words, "/api/v1/"); api {
				words = `apiPath + "` + path + `"`
			}
			if !strings.Contains(source, words) {
				t.Errorf("the server never says %q", words)
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d fields and messages", checked)
	}
}

// serverSource returns the source of the server, without its tests.
func serverSource(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, dir := range []string{"engine", "cmd"} {
		err := filepath.WalkDir(filepath.Join(repository, dir), func(path string, _ os.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			all.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}
