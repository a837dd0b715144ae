#!/bin/sh
# dpkg passes remove or upgrade, rpm passes how many versions stay: 0 for a removal.
set -e
[ -d /run/systemd/system ] || exit 0
case "$1" in
remove | 0) systemctl --no-reload disable --now dlm.service ;;
esac
