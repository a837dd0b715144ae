// Package certs keeps the certificates of a server as its files have them. It reads the files,
// looks at them again, and makes the settings of crypto/tls from them. It accepts no connection.
//
//	files -> Open, Look -> state (certificate and key, CA of clients, CA of the primary)
//	             Server -> of a port that serves      Primary -> of a backup's questions
//
// A state is complete or not used: files that do not fit each other are reported, and the state
// before them stays. A connection keeps the state that it began with.
//
// # Goroutines
//
//	name  owns          reads      ended by
//	certs the next look the files  the context of Run
package certs
