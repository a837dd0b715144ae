// Command dlm is a lock server and its tools.
//
// This package owns the command line: it turns flags, environment, the
// configuration file and the token file into one engine.Config, starts the
// engine, and stops it on a signal. It decides nothing about locks.
//
// A setting has one name in all its sources: --max-conns on the command line,
// DLM_MAX_CONNS in the environment, max-conns in the file. The first source
// that has it wins, in that order, and then the default.
//
// To add a setting, edit addFlags in options.go; help, environment and file
// follow from it.
//
// The collector of garbage is told to wait until the heap is worth it (collector.go).
//
// Goroutines of the server beside those of the engine: the main one, which
// runs Engine.Serve, and one that waits for SIGHUP until the server stops.
package main
