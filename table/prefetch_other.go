//go:build !amd64 || purego

package table

func prefetch(*Table, []uint64) {}
