// Package admintoken hands the admin token of a server without tokens to the commands of the same
// user.
//
// Such a server is open to everybody on its machine, but destructive commands need the admin role.
// So each start makes a fresh token and writes it to files that nobody else can read:
//
//	<data-dir>/admin.token             with --data-dir, for people and scripts
//	<runtime directory>/<port>.token   for commands, which know an address: one per port
//
// The runtime directory is $XDG_RUNTIME_DIR/dlm if that belongs to the user, else dlm-<uid> in the
// directory for temporary files. Every user has the latter, also without a home or a login. Its
// owner and mode are checked, since others may write in its parent. A file is written under another
// name, with O_EXCL, and renamed, so that no link is followed and no reader sees half of it. A
// clean stop removes the files. A killed server leaves them, but its token is invalid.
package admintoken
