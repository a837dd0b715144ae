package main

import (
	"fmt"
	"log/slog"

	"dlm/cmd/dlm/files"
	"dlm/cmd/dlm/logging"
	"dlm/cmd/dlm/settings"
	"dlm/engine/audit"
)

// openAudit starts the audit, in its file or in the log.
func openAudit(s *settings.Server, queue *logging.Queue, format string, log *slog.Logger) (*audit.Log, error) {
	sink := audit.ToLog(logging.Strict(queue, format, s.LogLevel))
	if s.AuditLog != "" {
		var err error
		if sink, err = audit.OpenFile(s.AuditLog); err != nil {
			return nil, fmt.Errorf("--audit-log: %w", files.Explain(err))
		}
	}
	l := audit.New(sink, log)
	l.Start()
	return l, nil
}
