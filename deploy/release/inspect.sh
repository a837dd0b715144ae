#!/bin/bash
# Usage: deploy/release/inspect.sh DIR
#
# Looks at the packages of a release in DIR as rpm and lintian see them, and fails at what they
# find. A missing tool is named and left out. Where DLM_CI is set, it must be there.
set -euo pipefail
cd "$1"
failed=

# need TOOL reports whether it is there.
need() {
	command -v "$1" >/dev/null && return
	echo "$1 is missing: install it to have the packages inspected" >&2
	[ -z "${DLM_CI:-}" ] || exit 1
	return 1
}

# has WHAT LIST PATH... fails if a path is not in the list.
has() {
	local what=$1 list=$2 path
	shift 2
	for path; do
		grep -qxF -- "$path" <<<"$list" || { echo "$what does not have $path" >&2; failed=yes; }
	done
}

if need rpm; then
	for package in *.rpm; do
		all=$(rpm -qpl "$package")
		docs=$(rpm -qpd "$package")
		has "$package" "$all" /usr/bin/dlm
		# A folder that the package does not own stays after its removal.
		mapfile -t folders < <(grep -oE '^/usr/share/(doc|licenses)/dlm.*/' <<<"$all" | sed 's:/$::' | sort -u)
		has "$package" "$all" "${folders[@]}"
		mapfile -t manuals < <(grep -E '^/usr/share/(doc/dlm|man)/.*\.[a-z0-9]+$' <<<"$all")
		has "$package, as documentation," "$docs" "${manuals[@]}" /usr/share/man/man1/dlm-server.1.gz \
			/usr/share/doc/dlm/{OPERATIONS.md,third-party-licences.txt} /usr/share/doc/dlm/examples/tls.conf
		has "$package, as a licence," "$(rpm -qp --licensefiles "$package")" /usr/share/licenses/dlm/LICENSE
		has "$package, as configuration," "$(rpm -qpc "$package")" /etc/dlm/dlm.toml
	done
fi
if need lintian; then
	for package in *.deb; do
		version=$(dpkg-deb -f "$package" Version)
		has "$package, in its changelog," "$(dpkg-deb --fsys-tarfile "$package" |
			tar -xO ./usr/share/doc/dlm/changelog.Debian.gz | gunzip | head -n 1)" "dlm ($version) stable; urgency=medium"
		lintian --allow-root --fail-on error "$package" || failed=yes
	done
fi
[ -z "$failed" ]
