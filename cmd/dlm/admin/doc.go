// Package admin is the HTTP side of a server: what orchestrators ask (/livez,
// /readyz), what backups fetch (/snapshot), and what makes one the primary
// (/promote, /depose).
//
//	GET  /livez      200 while all event loops and the ticker go round; else 503
//	GET  /readyz     200 when clients can be sent here; else 503, with a line per reason for who may look
//	GET  /snapshot   newest image; ETag, ranges; 204: none yet, 404: none ever (memory only).
//	                 Dlm-Image-Age-Ms: how long ago the table was known to be as in it,
//	                 also with 304. Role backup or admin
//	POST /promote    a backup becomes the primary; ?old_is_dead=true does not ask the old one,
//	                 else it is asked for ?timeout=1m0s. Header Dlm-Progress of responses 102
//	                 tells what is waited for. Role admin
//	POST /depose     the primary stops for good and answers the name of its last image.
//	                 One backup only. Role admin
//
// Roles are shown by "Authorization: Bearer <token>". A server without any token
// is on loopback only, and there everybody may look and fetch images. What makes or ends a primary
// needs the admin role always.
//
// Who shows no known token keeps no connection, and wrong tokens are counted by address: beyond a
// few they are answered 429. At the limits of connections, one per address and one for all, the
// oldest one without a request under way is closed for a new one, so that a probe is always
// answered. Requests that browsers make for pages are refused, and those without a token under
// another name than an address or localhost. --health opens a second address for the probes alone.
package admin
