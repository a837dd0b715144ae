// Package admin is the HTTP side of a server: what orchestrators ask (/livez,
// /readyz), what backups fetch (/snapshot), and what makes one the primary
// (/promote, /depose).
//
//	GET  /livez      200 while all event loops and the ticker go round; else 503
//	GET  /readyz     200 when clients can be sent here; else 503 and a line per reason
//	GET  /snapshot   newest image; ETag, ranges; 204: none yet, 404: none ever (memory only). Role backup or admin
//	POST /promote    a backup becomes the primary; ?old_is_dead=true does not ask the old one, else it
//	                 is asked for ?timeout=1m0s. Header Dlm-Progress of responses 102 tells what is waited for. Role admin
//	POST /depose     the primary stops for good and answers the name of its last image. One backup only. Role admin
//
// Roles are shown by "Authorization: Bearer <token>". A server without any token
// is on loopback only, and there everybody may fetch images. What makes or ends a primary
// needs the admin role always.
package admin
