// Package logging writes the server's log. Its callers never wait for the log.
//
//	slog.Logger -> Handler: kinds -> text or JSON of slog -> Queue -> goroutine -> the log's file
//
// A log is a pipe or a terminal more often than a file, and its reader can stall or leave. A server
// that waits for it serves nobody. So the caller's goroutine formats a record and puts it into a
// bounded queue, and the goroutine "log" writes it. If the queue is full the record is dropped and
// counted. The count is logged when there is room again.
//
// Warnings of one kind are limited to a few a second, so that a peer that provokes them can neither
// fill the disk nor push out other records. Strict is for the audit of what admins do: nothing of
// it is left out by kind, and a record without room is the caller's to keep.
package logging
