// Package testflag holds what tests of several packages need to know about their build and their
// command line: whether the build checks more than a release, and which seeds a random test runs.
// Only tests import it.
package testflag
