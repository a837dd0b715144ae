package auth

import "fmt"

// Role says what a connection may do. The values are stable only within a process.
type Role uint8

const (
	RoleNone    Role = iota // not authenticated
	RoleRead                // STATUS, LOCKS, INFO
	RoleLock                // RoleRead and ACQUIRE, RELEASE, HEARTBEAT
	RoleAdmin               // RoleLock and FORCE-RELEASE
	RoleBackup              // may fetch images, and nothing else
	RoleMetrics             // may scrape GET /metrics, and nothing else
	Roles                   // how many there are
)

var roleWords = [Roles]string{"none", "read", "lock", "admin", "backup", "metrics"}

// breadth orders the roles: a role may do all that a role of less breadth may do.
var breadth = [Roles]uint8{RoleNone: 0, RoleBackup: 1, RoleMetrics: 1, RoleRead: 2, RoleLock: 3, RoleAdmin: 4}

func (r Role) String() string { return roleWords[r] }

// Covers reports whether the role may do all that the other may.
func (r Role) Covers(other Role) bool { return breadth[r] >= breadth[other] }

// ParseRole returns the role of that name: read, lock, admin, backup or metrics.
func ParseRole(s string) (Role, error) {
	for r, word := range roleWords {
		if s == word && Role(r) != RoleNone {
			return Role(r), nil
		}
	}
	return RoleNone, fmt.Errorf("role %q is not one of read, lock, admin, backup, metrics", s)
}
