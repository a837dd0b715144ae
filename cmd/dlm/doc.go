// Command dlm is a lock server and its tools.
//
// This package owns the command line and the wiring: package settings turns flags, environment and
// files into one engine.Config, and this package starts the engine and stops it on a signal. It
// decides nothing about locks.
//
// The garbage collector does not run while the heap is small (collector.go).
//
// Goroutines of the server beside those of the engine: the main one, which
// runs Engine.Serve, and one that waits for SIGHUP until the server stops.
package main
