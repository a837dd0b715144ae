// Package durability decides which table a server serves, and where the table comes from.
//
// The rules of a start are one pure function: Decide takes Facts about the data directory and
// returns a Plan. It reads no file and no clock. So the simulation of the recovery in
// table/recovery_*_test.go runs the rules that a server runs, and takes out one after the other.
package durability
