package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestAlerts lets promtool check the rules and play a case of each alert.
func TestAlerts(t *testing.T) {
	tool := needTool(t, "promtool", "prometheus")
	run(t, tool, "check", "rules", "--lint-fatal", "prometheus/alerts.yml")
	run(t, tool, "test", "rules", "prometheus/alerts_test.yml")
	rules := read(t, "prometheus/alerts.yml")
	cases := read(t, "prometheus/alerts_test.yml")
	alerts := regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(rules, -1)
	if len(alerts) < 10 || strings.Count(rules, " runbook: ") != len(alerts) {
		t.Errorf("%d alerts, %d runbook lines", len(alerts), strings.Count(rules, " runbook: "))
	}
	for _, a := range alerts {
		if !strings.Contains(cases, `ALERTS{alertname="`+a[1]+`"}`) {
			t.Errorf("no case for %s", a[1])
		}
	}
}

// dashboard is the part of a Grafana file that has expressions.
type dashboard struct {
	Panels []struct {
		ID      int
		Type    string
		Title   string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ Expr string }
	}
}

// TestDashboard checks that no panel lies on another, and that promtool can read every expression.
func TestDashboard(t *testing.T) {
	tool := needTool(t, "promtool", "prometheus")
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, "grafana/dlm.json")), &d); err != nil {
		t.Fatal(err)
	}
	taken := map[[2]int]string{}
	rules := "groups:\n  - name: panels\n    rules:\n"
	for i, p := range d.Panels {
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s lies on %q at %d,%d", p.Title, other, x, y)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%s shows nothing", p.Title)
		}
		for j, target := range p.Targets {
			expr := strings.NewReplacer("$__rate_interval", "1m", "$instance", ".*").Replace(target.Expr)
			rules += fmt.Sprintf("      - record: panel:%d:%d\n        expr: %q\n", i, j, expr)
		}
	}
	file := filepath.Join(t.TempDir(), "panels.yml")
	write(t, file, rules)
	run(t, tool, "check", "rules", file)
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
