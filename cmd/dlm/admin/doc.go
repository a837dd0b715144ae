// Package admin is the HTTP side of a server: the dashboard (/), the probes of orchestrators
// (/livez, /readyz), the images for backups (/snapshot), and the change of the primary (/promote,
// /depose).
//
//	GET  /, /ui/     the dashboard's files, as they are embedded. They have no data in them and
//	                 need no token. Their scripts ask /api/v1 with the token of the person
//	GET  /livez      200 while all event loops and the ticker go round; else 503
//	GET  /readyz     200 when clients can be sent here; else 503, with a line per reason for
//	                 visitors that may look
//	GET  /metrics    metrics for Prometheus. Role metrics, read, lock or admin
//	GET  /snapshot   newest image; ETag, ranges; 204: none yet, 404: none ever (memory only).
//	                 Dlm-Image-Age-Ms: how long ago the table was known to equal the image,
//	                 also with 304. Role backup or admin
//	POST /promote    a backup becomes the primary; ?old_is_dead=true does not ask the old one,
//	                 else it is asked for ?timeout=1m0s. Header Dlm-Progress of responses 102
//	                 says what is waited for. Role admin
//	GET  /api/v1/... what people ask, in JSON: api.go has the list. Role read; some need admin
//	POST /depose     the primary stops for good and answers the name of its last image.
//	                 One backup only. Role admin
//	POST /api/v1/... acts of admins, promote and depose among them, in JSON. Role admin, with a
//	                 token, always
//
// A request shows its role by "Authorization: Bearer <token>". A server without any token listens
// on loopback only, and everybody there may look and fetch images. A promotion or a step down
// always needs the admin role.
//
// A client without a known token keeps no connection. Wrong tokens are counted by address; after a
// few they are answered 429. Connections are limited per address and in all. At a limit the oldest
// connection without a request is closed for a new one, so that a probe is always answered.
// Requests that browsers make for pages of another origin are refused. So are requests without a
// token under a name other than an IP address, localhost, or a name of --http-host. All answers
// have the headers of secured.go. --health opens a second address for the probes alone. A goroutine
// "accept http" takes the connections of each address.
package admin
