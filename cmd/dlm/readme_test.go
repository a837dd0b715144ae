package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	repository    = "../.."
	defaultPort   = "7420"
	serverCommand = "go run ./cmd/dlm server"
	testCommand   = "go test ./..."
)

// readmeBlocks returns the fenced blocks of the README in that language.
func readmeBlocks(t *testing.T, language string) []string {
	t.Helper()
	return fencedBlocks(t, "README.md", language)
}

// fencedBlocks returns the fenced blocks of a document in that language.
func fencedBlocks(t *testing.T, document, language string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, document))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// TestReadmeCommands runs every shell line of the README. The server line runs
// until the test ends, on a free port, which replaces the default one in the
// other lines.
func TestReadmeCommands(t *testing.T) {
	needProgram(t, "nc", "netcat-openbsd")
	needProgram(t, "redis-cli", "redis-tools")
	lines := strings.Split(strings.Join(readmeBlocks(t, "sh"), ""), "\n")
	port, tested := "", false
	for _, line := range lines {
		switch line {
		case "":
		case serverCommand:
			_, port = hostPort(t, startReadmeServer(t, line).addr)
		case testCommand:
			// It is what runs here. That CI runs it is all there is to check.
			tested = true
			checkMakefileHas(t, line)
		default:
			if port == "" {
				t.Fatalf("%q stands before %q", line, serverCommand)
			}
			runReadmeLine(t, strings.ReplaceAll(line, defaultPort, port))
		}
	}
	if port == "" || !tested {
		t.Errorf("the README lacks %q or %q", serverCommand, testCommand)
	}
}

// TestReadmeWalkThrough runs the scripts of the README, on free ports and in a
// directory of their own, and looks at what they say last.
func TestReadmeWalkThrough(t *testing.T) {
	needProgram(t, "nc", "netcat-openbsd")
	scripts := readmeBlocks(t, "bash")
	if len(scripts) != 1 {
		t.Fatalf("%d scripts", len(scripts))
	}
	script := strings.NewReplacer("bin/", t.TempDir()+"/").Replace(scripts[0])
	for _, port := range []string{"7420", "7421", "7430", "7431"} {
		_, free := hostPort(t, freeAddr(t))
		script = strings.ReplaceAll(script, ":"+port, ":"+free)
		script = strings.ReplaceAll(script, " "+port, " "+free)
	}
	// The primary has the default addresses, the backup is stopped at the end.
	first := regexp.MustCompile(`127\.0\.0\.1 (\d+)`).FindStringSubmatch(script)
	cmd := exec.CommandContext(t.Context(), "bash", "-eu", "-c", script+"kill %2; wait %2")
	side := regexp.MustCompile(`--backup-of (\S+)`).FindStringSubmatch(script)
	cmd.Dir, cmd.Env = repository, cleanEnv("DLM_LISTEN=127.0.0.1:"+first[1], "DLM_HTTP="+side[1])
	out, err := groupOutput(t, cmd)
	if err != nil || !regexp.MustCompile(`(?m)^OK$`).Match(out) || !strings.Contains(string(out), "grace until") {
		t.Errorf("%v\n%s", err, out)
	}
}

func startReadmeServer(t *testing.T, line string) *process {
	t.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = repository
	cmd.Env = cleanEnv("DLM_LISTEN=127.0.0.1:0", "DLM_HTTP=127.0.0.1:0")
	return startProcess(t, cmd)
}

func runReadmeLine(t *testing.T, line string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir, cmd.Env = repository, cleanEnv()
	out, err := cmd.CombinedOutput()
	if err != nil || len(out) == 0 || regexp.MustCompile(`(?m)^(ERR|ERROR|TIMEOUT|BADARG)\b`).Match(out) {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
}

func checkMakefileHas(t *testing.T, line string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\n\t"+line+"\n") {
		t.Errorf("the Makefile does not run %q", line)
	}
}

func TestReadmeTranscripts(t *testing.T) { playTranscripts(t, "README.md") }

func TestProtocolTranscripts(t *testing.T) { playTranscripts(t, "PROTOCOL.md") }

// playTranscripts plays the conversations of a document. "A> x" sends x on
// connection A, "A< y" expects y there. Numbers may differ, "..." stands for
// any words, and a token of the document stands for the one that was received.
func playTranscripts(t *testing.T, document string) {
	transcripts := fencedBlocks(t, document, "text")
	if len(transcripts) == 0 {
		t.Fatalf("%s has no conversation", document)
	}
	p := startServer(t, nil)
	for _, transcript := range transcripts {
		conns := map[string]*client{"A": dial(t, p.addr), "B": dial(t, p.addr)}
		tokens := strings.NewReplacer()
		for _, line := range strings.Split(strings.TrimSpace(transcript), "\n") {
			who, text := line[:1], line[3:]
			if line[1:3] == "> " {
				conns[who].send(t, tokens.Replace(text))
				continue
			}
			got := conns[who].receive(t)
			if !sameButNumbers(got, text) {
				t.Fatalf("%s\ngot %s", line, got)
			}
			if was, is := tokenIn(text), tokenIn(got); was != "" {
				tokens = strings.NewReplacer(was, is)
			}
		}
	}
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
	if start, open := strings.CutSuffix(want, "..."); open {
		return strings.HasPrefix(got, start)
	}
	return numberRun.ReplaceAllString(got, "=N") == numberRun.ReplaceAllString(want, "=N")
}
