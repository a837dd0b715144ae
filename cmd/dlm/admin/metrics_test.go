package admin

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"dlm/engine"
	"dlm/engine/durability"
)

// seriesMax is the most series that a server may have after every command and outcome.
const seriesMax = 500

// startEngine serves locks and HTTP, until the test ends.
func startEngine(t *testing.T) (lockAddr, base string) {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	e, err := engine.New(engine.Config{Listen: "127.0.0.1:0", Settings: durability.Settings{DataDir: t.TempDir()}, Log: quiet, Version: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Listen("127.0.0.1:0", quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- e.Serve(ctx) }()
	go func() { ended <- s.Serve(ctx, e) }()
	t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
	return e.Addr().String(), "http://" + s.Addr().String()
}

// locks sends lines to the lock port, ends its input, and returns all answers.
func locks(t *testing.T, addr string, lines string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, lines); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answers, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(answers)
}

// scrapeFresh returns a scrape that is not older than the call.
func scrapeFresh(t *testing.T, base string, has string) string {
	t.Helper()
	for range 1000 { // a scrape is at most 100 ms old
		code, body, _ := ask(t, "GET", base+"/metrics", "")
		if code != http.StatusOK {
			t.Fatalf("%d %s", code, body)
		}
		if strings.Contains(body, has) {
			return body
		}
	}
	t.Fatalf("no scrape has %s", has)
	return ""
}

// series returns the names of the samples with their labels.
func series(scrape string) (list []string) {
	for line := range strings.Lines(scrape) {
		if !strings.HasPrefix(line, "#") {
			list = append(list, line[:strings.LastIndexByte(line, ' ')])
		}
	}
	return list
}

// TestMetricsOfServer checks the numbers, the manner of Prometheus, and that names of locks and
// services, URLs and connections are never labels.
func TestMetricsOfServer(t *testing.T) {
	lockAddr, base := startEngine(t)
	use := func(n int) {
		for i := range n {
			evil := fmt.Sprintf(`"evil\n{%d}"`, i)
			locks(t, lockAddr, "ACQUIRE "+evil+" "+evil+" 0 TTL 30000\nACQUIRE "+evil+" b 0\nNOSUCH\nHEARTBEAT "+evil+" "+evil+"\n")
			ask(t, "GET", base+fmt.Sprintf("/evil%d?x={}", i), "")
		}
	}
	use(3)
	before := series(scrapeFresh(t, base, "\ndlm_locks_held 3\n"))
	use(40)
	text := scrapeFresh(t, base, "\ndlm_locks_held 40\n")
	for _, want := range []string{
		`dlm_grants_total{path="immediate"} 40`, `dlm_grants_total{path="waited"} 0`, `dlm_role{role="primary"} 1`, `dlm_role{role="backup"} 0`, "dlm_ready 1", "dlm_connections_limit 10000", "dlm_image_interval_seconds 5",
		`dlm_connections{transport="tls"} 0`, `dlm_connections_accepted_total{transport="tcp"} 43`, `dlm_connections_accepted_total{transport="unix"} 0`,
		`dlm_commands_total{command="acquire",result="ok"} 43`, `dlm_commands_total{command="acquire",result="timeout"} 43`,
		`dlm_http_requests_total{code="404",path="other"} 43`,
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if after := series(text); len(after) > seriesMax || len(after) > len(before)+len("image") {
		t.Errorf("%d series, then %d", len(before), len(after))
	}
	if strings.Contains(text, "evil") {
		t.Error("what a client sends is in a label")
	}
	label := regexp.MustCompile(`[{,]([a-z]+)="([^"]*)"`)
	for _, s := range series(text) {
		for _, m := range label.FindAllStringSubmatch(s, -1) {
			if m[1] != "le" && strings.HasPrefix(s, "dlm_") && !strings.HasPrefix(s, "dlm_build_info") && !regexp.MustCompile(`^[a-z_/0-9]+$`).MatchString(m[2]) {
				t.Errorf("%s has a label that is no word", s)
			}
		}
	}
	problems, err := promlint.New(strings.NewReader(text + "\n")).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestRulesAndDashboardUseKnownSeries reads every expression of deploy/.
func TestRulesAndDashboardUseKnownSeries(t *testing.T) {
	_, base := startEngine(t)
	known := []string{"up", "dlm_http_requests_total"}
	for _, f := range families {
		known = append(known, f.name)
	}
	for _, s := range series(scrapeFresh(t, base, "go_goroutines ")) {
		name, _, _ := strings.Cut(s, "{")
		known = append(known, name)
	}
	for _, file := range []string{"prometheus/alerts.yml", "prometheus/alerts_test.yml", "grafana/dlm.json"} {
		text, err := os.ReadFile("../../../deploy/" + file)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`\b(dlm|go|process)_[a-z0-9_]+`).FindAllString(string(text), -1)
		if len(names) < 10 {
			t.Errorf("%s: only %d names", file, len(names))
		}
		for _, name := range names {
			if !slices.Contains(known, name) {
				t.Errorf("%s: there is no %s", file, name)
			}
		}
	}
}

// TestMetricsAreDocumented compares OPERATIONS.md with what the server tells of each metric, and
// looks for rows of metrics that there are not.
func TestMetricsAreDocumented(t *testing.T) {
	_, base := startEngine(t)
	text, err := os.ReadFile("../../../OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `((?:dlm|process)_[a-z_]+)` \\| (.*) \\|$").FindAllStringSubmatch(string(text), -1) {
		rows[m[1]] = m[2]
	}
	row := func(kind, help string, labels ...string) string {
		for _, l := range labels {
			kind += " `" + l + "`"
		}
		return kind + " | " + strings.TrimSuffix(help, ".")
	}
	want := map[string]string{}
	for _, f := range slices.Concat(families, processFamilies(time.Now())) {
		want[f.name] = row(map[prometheus.ValueType]string{gauge: "gauge", counter: "counter"}[f.kind], f.help, f.labels...)
	}
	for i := range histograms {
		h := &histograms[i]
		want[h.name] = row("histogram", h.help, strings.Fields(h.label)...)
	}
	want["dlm_http_requests_total"] = row("counter", "Answered requests of the HTTP side, by route and status.", "path", "code")
	want["dlm_live_streams"] = row("gauge", "Viewers of the pages that are told of each second.")
	for name, w := range want {
		if rows[name] != w {
			t.Errorf("OPERATIONS.md on %s:\n%s\nwant\n%s", name, rows[name], w)
		}
	}
	for name := range rows {
		if want[name] == "" {
			t.Errorf("OPERATIONS.md: there is no %s", name)
		}
	}
	histogram := regexp.MustCompile("_(bucket|sum|count)$")
	for _, s := range series(scrapeFresh(t, base, "go_goroutines ")) {
		name, _, _ := strings.Cut(s, "{")
		if rows[name] == "" && rows[histogram.ReplaceAllString(name, "")] == "" && !strings.HasPrefix(name, "go_") {
			t.Errorf("OPERATIONS.md lacks %s", name)
		}
	}
}

// TestMetricsNameTheBuild: version and commit come from the command, which knows both also when the
// linker has set them.
func TestMetricsNameTheBuild(t *testing.T) {
	r := newRig(t, func(c *engine.Config) { c.Version, c.Revision = "1.2.3", "c0ffee" })
	_, text, _ := ask(t, "GET", r.base+"/metrics", "")
	if want := `dlm_build_info{go="` + runtime.Version() + `",revision="c0ffee",version="1.2.3"} 1`; !strings.Contains(text, want) {
		t.Errorf("no %s in\n%.500s", want, text)
	}
}

// TestMetricsRoles checks who may scrape.
func TestMetricsRoles(t *testing.T) {
	f := &fake{}
	_, base := serve(t, f)
	for token, want := range map[string]int{"": 401, "guessed": 401, "b": 403, "m": 200, "l": 200, "a": 200} {
		if code, body, _ := ask(t, "GET", base+"/metrics", token); code != want {
			t.Errorf("GET /metrics with %q: %d %.80s, want %d", token, code, body, want)
		}
	}
	if code, _, _ := ask(t, "GET", base+"/snapshot", "m"); code != 403 {
		t.Errorf("role metrics fetches images: %d", code)
	}
	f.open = true
	if code, _, _ := ask(t, "GET", base+"/metrics", ""); code != 200 {
		t.Errorf("GET /metrics of an open server: %d", code)
	}
	if code, _, _ := ask(t, "GET", base+"/metrics", "", "Host", "evil.example"); code != 421 {
		t.Errorf("GET /metrics under another name: %d", code)
	}
}
