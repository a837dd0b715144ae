package engine

import (
	"os"
	"runtime"
	"strconv"
	"time"

	"dlm/engine/durability"
	"dlm/engine/snapshot"
)

// About describes the server to people. It has no secrets.
type About struct {
	AtMs       int64            `json:"at_ms"`
	Version    string           `json:"version"`
	Go         string           `json:"go"`
	Role       string           `json:"role"` // primary or backup
	Ready      bool             `json:"ready"`
	Unready    []string         `json:"unready"` // why clients should not be sent here
	UptimeMs   int64            `json:"uptime_ms"`
	StartedMs  int64            `json:"started_at_ms"`
	Address    string           `json:"address"`
	Loops      int              `json:"loops"`
	PID        int              `json:"pid"`
	Durability AboutDurability  `json:"durability"`
	Limits     map[string]int64 `json:"limits"`
	Settings   []Setting        `json:"settings"`
	Warnings   []Warning        `json:"warnings"`
}

// AboutDurability says what a crash would cost.
type AboutDurability struct {
	Kind     string `json:"kind"` // memory, snapshot or backup
	Says     string `json:"says"`
	Start    uint64 `json:"start,omitempty"`
	GraceMs  int64  `json:"grace_left_ms"`
	Claims   uint64 `json:"claims"`
	BackupOf string `json:"backup_of,omitempty"`
	StaleMs  int64  `json:"stale_ms,omitempty"`

	Image     string `json:"image,omitempty"`
	AgeMs     int64  `json:"image_age_ms,omitempty"`
	Bytes     uint64 `json:"image_bytes,omitempty"`
	Holds     uint64 `json:"image_holds,omitempty"`
	TookMs    int64  `json:"image_took_ms,omitempty"`
	Failures  uint64 `json:"image_failures"`
	LastError string `json:"image_last_error,omitempty"`
}

// Setting is one setting of the server that is no limit.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Warning is something that an operator should look at.
type Warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// About returns the description of the server. Any goroutine may call it.
func (e *Engine) About() *About {
	a := &About{
		AtMs: time.Now().UnixMilli(), Version: e.cfg.Version, Go: runtime.Version(), Role: e.roleWord(),
		Unready: e.Unready(), UptimeMs: e.uptime().Milliseconds(), StartedMs: e.started.UnixMilli(),
		Loops: len(e.reactors), PID: os.Getpid(),
		Durability: e.aboutDurability(), Limits: e.aboutLimits(), Settings: e.aboutSettings(), Warnings: e.Warnings(),
	}
	if len(e.ports) > 0 {
		a.Address = e.Addrs()
	}
	if a.Ready = len(a.Unready) == 0; a.Ready {
		a.Unready = []string{}
	}
	return a
}

func (e *Engine) aboutDurability() AboutDurability {
	is := e.store.State()
	d := AboutDurability{Kind: "memory", Says: e.Durability()}
	switch is.Role {
	case durability.Memory:
		return d
	case durability.Backup:
		f, _ := e.store.Following()
		d.Kind, d.BackupOf, d.Failures, d.LastError = "backup", e.cfg.BackupOf, f.Failures, f.Problem
		if is.From != "" {
			d.Image, d.Holds, d.StaleMs = is.From, uint64(is.Header.Holds), is.Staleness().Milliseconds()
		}
		return d
	}
	d.Kind, d.Start = "snapshot", is.Start.Number
	d.GraceMs, d.Claims = is.GraceLeft(e.clock.Now()).Milliseconds(), is.Table.Totals().Claims
	s, _ := e.store.Images()
	d.Failures, d.LastError = s.Failures, s.Problem
	if s.Path != "" {
		d.Image, d.AgeMs, d.TookMs = snapshot.Name(s.Path), time.Since(s.AsOf).Milliseconds(), s.Took.Milliseconds()
		d.Bytes, d.Holds = uint64(s.Header.Length), uint64(s.Header.Holds)
	}
	return d
}

func (e *Engine) aboutLimits() map[string]int64 {
	return map[string]int64{
		"connections": int64(e.connsMax), "locks": int64(e.cfg.LocksMax), "waiters": int64(e.cfg.WaitersMax),
		"waiters_per_lock": int64(e.cfg.WaitersPerLockMax), "retries": int64(e.cfg.RequestsMax), "memory_bytes": e.cfg.MemoryMax,
		"buffered_bytes": e.cfg.BufferedMax, "ttl_max_ms": int64(e.tab().TTLMax()),
	}
}

// aboutSettings returns the settings that are no limits, without secrets.
func (e *Engine) aboutSettings() []Setting {
	ms := func(name string, d time.Duration) Setting {
		return Setting{name + "_ms", strconv.FormatInt(d.Milliseconds(), 10)}
	}
	list := []Setting{
		{"listen", e.cfg.Listen}, ms("lease", e.cfg.Lease), ms("stop_wait", e.cfg.StopWait), ms("auth_wait", e.cfg.AuthWait), ms("reconnect_grace", e.cfg.ReconnectGrace),
		{"tokens", strconv.Itoa(len(e.cfg.Credentials))}, {"insecure_no_auth", strconv.FormatBool(e.cfg.InsecureNoAuth)},
	}
	if e.KeepsImages() {
		list = append(list, Setting{"data_dir", e.cfg.DataDir}, ms("snapshot_interval", e.cfg.SnapshotInterval),
			Setting{"snapshot_keep", strconv.Itoa(e.cfg.SnapshotKeep)}, ms("recovery_grace", e.cfg.RecoveryGrace))
	}
	return list
}
