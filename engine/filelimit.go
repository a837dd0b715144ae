package engine

import (
	"math"
	"syscall"
)

// fileShares is how many parts the file limit of the process has, one of which each use
// besides ordinary connections may take at most.
const fileShares = 16

// connsLimit lowers the wanted number of connections to what the process may open, less
// what the server itself needs: the listeners and their spares, the log, four per loop, one that
// is being enrolled (it is duplicated), the HTTP side, guests and those turned away, and
// some in reserve, for images too.
func connsLimit(wanted, loops int) int {
	own := 16 + 2*sparesMax() + 4*loops + HTTPConnsMax() + HealthConnsMax() + fileShare(guestsWanted) + fileShare(turnedWanted)
	return min(wanted, max(filesMax()-own, 1))
}

// fileShare lowers a wanted number of descriptors to a share of the file limit.
func fileShare(wanted int) int { return max(1, min(filesMax()/fileShares, wanted)) }

// sparesMax returns how many spare descriptors an acceptor has.
func sparesMax() int { return max(2, fileShare(sparesWanted)) }

// HTTPConnsMax returns how many connections the HTTP side may have: they share the file
// limit with those for locks.
func HTTPConnsMax() int { return fileShare(64) }

// HealthConnsMax returns how many connections the side for probes alone may have.
func HealthConnsMax() int { return fileShare(16) }

// filesMax returns how many descriptors the process may have.
func filesMax() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt
	}
	return int(min(limit.Cur, math.MaxInt))
}
