package audit

import (
	"net/netip"
	"time"

	"dlm/engine/peer"
)

// Event names what happened. The words are in files that others read: they stay as they are.
type Event string

const (
	AdminAuth    Event = "admin-auth"     // an admin's token was shown
	WrongToken   Event = "wrong-token"    // an unknown token was shown
	Denied       Event = "denied"         // a request was refused because it needs the admin role
	ForceRelease Event = "forced-release" // a hold was ended, or FORCE-RELEASE found none
	Disconnect   Event = "disconnect"     // a connection was ended
	Promote      Event = "promote"        // a backup becomes the primary
	StepDown     Event = "depose"         // a primary stops for good
	TokenReload  Event = "token-reload"   // the token file was read again
	CertReload   Event = "cert-reload"    // changed files of certificates were read
	ImageFetch   Event = "image-fetch"    // an image was sent
	Dropped      Event = "dropped"        // records that found no room
)

// Outcomes other than the code of an error.
const (
	Done   = "done"
	Asked  = "asked"  // the outcome follows in another record
	Failed = "failed" // Detail says why
)

// Record is one line of the audit. Empty fields are left out of it.
type Record struct {
	At      time.Time `json:"time"` // of the event; of a count: when it was written
	Seq     uint64    `json:"seq"`  // counts the records of this process from 1
	Event   Event     `json:"event"`
	Outcome string    `json:"outcome,omitempty"` // Done, Asked, Failed, or why it was refused
	By      string    `json:"by,omitempty"`      // name of the token
	From    string    `json:"from,omitempty"`    // address; of a count: without port
	What    string    `json:"what,omitempty"`    // the command, the request or the surface
	Lock    string    `json:"lock,omitempty"`    // bytes of a client
	Owner   string    `json:"owner,omitempty"`   // service id; bytes of a client
	Token   uint64    `json:"token,omitempty"`   // fencing token of the hold
	Reason  string    `json:"reason,omitempty"`  // that the admin gave; bytes of a client
	Detail  string    `json:"detail,omitempty"`  // words for people
	Count   uint64    `json:"count,omitempty"`   // events that the record stands for; 0: one
}

// Peer returns the part of an address that identifies a peer: without port, and of IPv6 the /64. An
// address of another kind is returned as it is.
func Peer(remote string) string {
	at, err := netip.ParseAddrPort(remote)
	addr := at.Addr()
	if err != nil {
		if addr, err = netip.ParseAddr(remote); err != nil {
			return remote
		}
	}
	if of := peer.Of(addr); !of.IsSingleIP() {
		return of.String()
	}
	return addr.Unmap().String()
}
