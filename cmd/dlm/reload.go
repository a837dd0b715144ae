package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"reflect"

	"dlm/cmd/dlm/settings"
	"dlm/engine"
	"dlm/engine/audit"
	"dlm/engine/auth"
)

// reloader reads the files of a running server again. One goroutine uses it.
type reloader struct {
	s      *settings.Server
	server *engine.Engine
	log    *slog.Logger
	tokens []auth.Credential // that the server has
}

// newReloader returns a reloader for a server that has just read its files, and warns of what is in
// them.
func newReloader(s *settings.Server, server *engine.Engine, log *slog.Logger) *reloader {
	r := &reloader{s: s, server: server, log: log, tokens: s.Engine.Credentials}
	r.warnOfNames()
	return r
}

// run reads the files again on each SIGHUP, until ctx ends. It is the goroutine "reload".
func (r *reloader) run(ctx context.Context, hangup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			r.reload(ctx)
		}
	}
}

// reload reads all files again, and says of each that it was read.
func (r *reloader) reload(ctx context.Context) {
	if r.s.AuditLog == "" && r.s.Certs == nil && r.s.TokenFile == "" {
		r.log.Warn("SIGHUP: this server has no file to read again: no --token-file, no --tls-cert, no --audit-log", "event", "nothing-to-reload")
		return
	}
	if r.s.AuditLog != "" {
		r.server.Audit().Reopen()
		r.log.Info("the audit opens its file again before the next record", "event", "audit-reopen", "file", r.s.AuditLog)
	}
	if r.s.Certs != nil {
		r.s.Certs.Reload(r.log, r.noteCertificates, true)
	}
	if r.s.TokenFile != "" {
		r.reloadTokens(ctx)
	}
}

// reloadTokens reads the token file again. That is an act of an admin, because it may make somebody
// one.
func (r *reloader) reloadTokens(ctx context.Context) {
	act := r.server.Audit().BeginRecorded(ctx, audit.Record{Event: audit.TokenReload})
	if act == nil {
		r.log.Error("the token file is not read, because the audit can't be written: the previous tokens stay",
			"event", "token-reload-refused", "file", r.s.TokenFile)
		return
	}
	outcome := act.Asked
	defer func() { act.End(outcome) }()
	creds, err := settings.ReloadTokens(r.s.TokenFile, r.server.SetCredentials)
	if err != nil {
		r.log.Error("the token file has mistakes: the previous tokens stay", "event", "token-reload-failed", "error", err.Error())
		outcome.Outcome, outcome.Detail = audit.Failed, err.Error()
		return
	}
	changed := !reflect.DeepEqual(creds, r.tokens)
	r.tokens = creds
	r.log.Info("token file read again", "event", "token-reload", "file", r.s.TokenFile, "tokens", len(creds), "changed", changed)
	outcome.Outcome, outcome.Detail = audit.Done, fmt.Sprintf("%d tokens", len(creds))
	r.warnOfNames()
}

// warnOfNames warns of names of certificates that no client can show, because the server believes
// no authority of clients.
func (r *reloader) warnOfNames() {
	n := 0
	for _, c := range r.tokens {
		if c.SAN != "" {
			n++
		}
	}
	if n > 0 && r.s.TLSFiles.ClientCA == "" {
		r.log.Warn("no client can show a certificate for the [[cert]] entries of the token file: name the authority of clients with --tls-client-ca",
			"event", "names-without-authority", "file", r.s.TokenFile, "entries", n)
	}
}

// noteCertificates records a change of the files of certificates.
func (r *reloader) noteCertificates(err error) {
	record := audit.Record{Event: audit.CertReload, Outcome: audit.Done}
	if err != nil {
		record.Outcome, record.Detail = audit.Failed, err.Error()
	}
	r.server.Audit().Note(record)
}
