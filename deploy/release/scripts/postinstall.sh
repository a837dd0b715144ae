#!/bin/sh
# The service is not enabled here: `systemctl enable --now dlm`. One that runs is restarted with the
# new program, and keeps its locks. A server that does not start leaves the package installed.
set -e
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload || true
systemctl try-restart dlm.service || echo "dlm: the server did not start: systemctl status dlm" >&2
