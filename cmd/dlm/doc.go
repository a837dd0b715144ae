// Command dlm is a lock server and its tools.
//
// This package owns the command line and the wiring. Package settings turns flags, environment and
// files into one engine.Config; this package starts the engine and stops it on a signal. It decides
// nothing about locks.
//
// The garbage collector does not run while the heap is small (collector.go).
//
// The server has these goroutines besides those of the engine. The main one runs Engine.Serve.
// Another waits for SIGHUP until the server stops. Under systemd "watchdog" reports that the
// server is alive, and "manager" reports that a stop has begun.
package main
