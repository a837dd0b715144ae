// Package logging writes the server's log without ever holding up whoever logs.
//
//	slog.Logger -> Handler: kinds -> slog's text or JSON -> Queue -> one goroutine -> the log's file
//
// A log is a pipe or a terminal more often than a file, and its reader can stall or leave. A
// server that waits for it serves nobody. So a record is formatted where it arises and put into
// a bounded queue; the goroutine "log" writes it. What finds the queue full is dropped and
// counted, and the count is logged once there is room again.
//
// Warnings of one kind are limited to a few a second, so that a peer that provokes them can
// neither fill the disk nor push out what else is logged. Records with the attribute "event"
// are the audit of what admins do: these are never left out by kind.
package logging
