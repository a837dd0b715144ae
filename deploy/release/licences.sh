#!/bin/bash
# Usage: deploy/release/licences.sh
#
# Prints the licences of what is linked into the binary: of Go, and of each module with its version.
# They ask for that. A module without a licence fails.
set -euo pipefail
cd "$(dirname "$0")/../.."

# licence TITLE DIR prints the licence files of a folder.
licence() {
	local file found=
	for file in "$2"/{LICENSE,LICENCE,COPYING,NOTICE}*; do
		[ -f "$file" ] || continue
		found=yes
		printf '==== %s: %s ====\n\n' "$1" "$(basename "$file")"
		cat "$file"
		echo
	done
	[ -n "$found" ] || { echo "$1 has no licence file" >&2; exit 1; }
}

echo 'dlm contains the following software, under the licences below.'
echo
licence Go "$(go env GOROOT)"
GOOS=linux GOARCH=amd64 go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' \
	./cmd/dlm | sort -u | while read -r path version dir; do
	licence "$path $version" "$dir"
done
