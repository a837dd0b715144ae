// Package auth knows who a client is: its token or its certificate, their role and bounds, and how
// often its address has shown wrong tokens. It knows neither connections nor commands. The engine
// maps a role to the verbs that it allows, and it withholds the answers.
//
//	token -> Authority.Identify -> Identity{Name, Role, Bounds}
//	certificate -> NamesOf -> Authority.OfCertificate -> the same
//	wrong token of an AddressKey -> Attempts.Note -> how long the answer is withheld
//
// The package starts no goroutine and reads no clock. An Authority and an Identity never change.
// Attempts has a mutex of its own, and calls nothing while it holds it.
package auth
