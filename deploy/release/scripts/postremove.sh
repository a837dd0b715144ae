#!/bin/sh
# dpkg passes purge when the data is to go too. The rpm leaves it.
set -e
if [ "$1" = purge ]; then
	rm -rf /var/lib/dlm /var/lib/private/dlm
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
