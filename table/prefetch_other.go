//go:build !amd64

package table

func prefetch(*Table, []uint64) {}
