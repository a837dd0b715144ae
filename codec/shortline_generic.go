//go:build !amd64 || purego

package codec

func shortLine(b *[lineReach]byte, at uint, p *LockCommand) (end uint) { return shortLineGo(b, at, p) }
