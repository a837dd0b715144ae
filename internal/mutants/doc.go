// Package mutants has no code. Its test breaks one rule of the lock server at a time, and demands
// that the tests named for that rule notice. A mutant is a replacement of text in one file, which
// the go command compiles by its option -overlay, so the product has no switches for it.
//
// A mutant whose text is not found exactly once fails every run: the rule has moved, and the list
// has to follow. A mutant that no test catches is a missing test.
package mutants
