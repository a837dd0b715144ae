package deploy

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDockerfile reads the lines of the Dockerfile. No container engine is needed to see that the
// image is empty but for the binary, and that the server is not root.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile("docker/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if word, rest, _ := strings.Cut(strings.TrimSpace(line), " "); word != "#" && word != "" {
			lines[word] = append(lines[word], rest)
		}
	}
	known := []string{"FROM", "ARG", "COPY", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
	for word := range lines {
		if !slices.Contains(known, word) {
			t.Errorf("%s is no instruction for this image", word)
		}
	}
	want := map[string][]string{
		"FROM": {"scratch"}, "USER": {"65532:65532"}, "ENTRYPOINT": {`["/dlm"]`}, "CMD": {`["server"]`},
		"COPY": {"${TARGETARCH}/dlm /dlm", "LICENSE third-party-licences.txt /licenses/",
			"--chown=65532:65532 data /var/lib/dlm"},
	}
	for word, rest := range want {
		if !slices.Equal(lines[word], rest) {
			t.Errorf("%s %q, want %q", word, lines[word], rest)
		}
	}
	health := regexp.MustCompile(`CMD (\[.*\])$`).FindStringSubmatch(strings.Join(lines["HEALTHCHECK"], ""))
	var command []string
	if health == nil || json.Unmarshal([]byte(health[1]), &command) != nil || !slices.Equal(command, []string{"/dlm", "health", "--http", "127.0.0.1:7422"}) {
		t.Errorf("HEALTHCHECK %q", lines["HEALTHCHECK"])
	}
}
