#!/bin/sh
# dpkg passes remove or upgrade, rpm passes how many versions stay: 0 for a removal. A unit that is
# masked can't be disabled, and goes all the same.
set -e
[ -d /run/systemd/system ] || exit 0
case "$1" in
remove | 0)
	systemctl stop dlm.service || true
	systemctl --no-reload disable dlm.service || true
	;;
esac
