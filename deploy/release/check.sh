#!/bin/bash
# Makes the release of the commit that is checked out twice, in two clones, and fails if a byte
# differs. The second has a build cache of its own, so that its binaries are built anew. Then
# inspect.sh looks at the packages.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for n in one two; do
	git clone -q . "$work/$n/dlm"
done
"$work/one/dlm/deploy/release/build.sh" "$work/dist-one"
RELEASE_GOCACHE=$work/cache "$work/two/dlm/deploy/release/build.sh" "$work/dist-two"
diff -r "$work/dist-one" "$work/dist-two"
deploy/release/inspect.sh "$work/dist-one"
(cd "$work/dist-one" && sha256sum --quiet -c SHA256SUMS && ls -l)
if [ -n "${KEEP:-}" ]; then
	mkdir -p "$KEEP" && cp -r "$work/dist-one/." "$KEEP/"
fi
