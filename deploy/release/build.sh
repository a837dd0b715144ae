#!/bin/bash
# Usage: deploy/release/build.sh DIR
#
# Makes a release of the commit that is checked out, into the new folder DIR: for each of $ARCHES a
# tar.gz, a deb, an rpm and an SBOM, then SHA256SUMS, and in DIR/image the context of the container
# image. Two runs of one commit with one version of Go give the same bytes.
#
# $VERSION is the version, v1.2.3; without it, one is made of the time and hash of the commit.
# $RELEASE_GOCACHE is a build cache of its own for the binaries, for a check that uses no other.
set -euo pipefail
umask 022
export LC_ALL=C TZ=UTC

NFPM=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.0
SBOM=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

cd "$(dirname "$0")/../.."
[ -z "$(git status --porcelain)" ] || { echo "commit first: a release is of a commit" >&2; exit 1; }
mkdir -p "$1"
dist=$(cd "$1" && pwd)
[ -z "$(ls -A "$dist")" ] || { echo "$dist is not empty" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
made=$(git log -1 --format=%cd --date=format-local:%Y%m%d%H%M%S)
version=${VERSION:-v0.0.0-$made-$(git rev-parse --short=12 HEAD)}

export PKG_VERSION=${version#v}
export PKG_MAINTAINER=${MAINTAINER:-dlm maintainers <maintainers@dlm.invalid>} PKG_HOMEPAGE=${HOMEPAGE:-}

GOBIN=$work/bin go install "$NFPM"
GOBIN=$work/bin go install "$SBOM"

commit=$(git rev-parse HEAD)

# binary GOARCH FILE. Go finds no commit in a work tree of git, so it is told: a clone and a work
# tree give the same bytes.
binary() {
	GOCACHE=${RELEASE_GOCACHE:-$(go env GOCACHE)} GOOS=linux GOARCH=$1 CGO_ENABLED=0 go build -trimpath \
		-buildvcs=false -ldflags "-s -w -buildid= -X main.version=$version -X main.commit=$commit" -o "$2" ./cmd/dlm
}

# The files that all architectures share. The tag is for the command that writes the manual.
common=$work/common
mkdir -p "$common"/{man,completion,doc/examples,systemd,packaging}
go run -pgo=off -tags man -ldflags "-X main.version=$version" ./cmd/dlm man "$common/man"
gzip -n9 "$common"/man/*.1
host=$work/host
binary "$(go env GOHOSTARCH)" "$host"
"$host" version | grep -qF "$version (commit $commit," || { echo "the binary does not know its commit" >&2; exit 1; }
"$host" completion bash >"$common/completion/dlm.bash"
"$host" completion zsh >"$common/completion/_dlm"
"$host" completion fish >"$common/completion/dlm.fish"
cp *.md "$common/doc/"
cp LICENSE "$common/"
deploy/release/licences.sh >"$common/doc/third-party-licences.txt"
cp deploy/systemd/t*.conf "$common/doc/examples/"
for kind in prometheus grafana kubernetes; do
	[ -d "deploy/$kind" ] || continue
	mkdir "$common/doc/examples/$kind"
	find "deploy/$kind" -maxdepth 1 -type f -exec cp {} "$common/doc/examples/$kind/" \;
done
cp deploy/systemd/dlm.{service,toml} "$common/systemd/"

# The packages need more files, which the tar archive leaves out.
cp deploy/release/{scripts/*.sh,copyright,lintian-overrides,nfpm.yaml} "$common/packaging/"
cat >"$common/packaging/changelog.yaml" <<END
- semver: ${PKG_VERSION/-/\~}
  date: $(git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ)
  packager: $PKG_MAINTAINER
  deb: {urgency: medium, distributions: [stable]}
  changes:
    - note: A release. CHANGELOG.md says what has changed.
END
# The rpm marks each file of the documentation, so nfpm gets a line for each.
(cd "$common" && {
	find doc -type d -printf '  - {dst: /usr/share/doc/dlm/%P, type: dir, packager: rpm}\n'
	find doc -type f -printf '  - {src: %p, dst: /usr/share/doc/dlm/%P, type: doc, packager: rpm}\n'
	find man -type f -printf '  - {src: %p, dst: /usr/share/man/man1/%P, type: doc, packager: rpm}\n'
} | sort >>packaging/nfpm.yaml)

mkdir -p "$dist/image/data"
cp deploy/docker/Dockerfile LICENSE "$common/doc/third-party-licences.txt" "$dist/image/"

for arch in ${ARCHES:-amd64 arm64}; do
	name=dlm-$PKG_VERSION-linux-$arch
	stage=$work/$name
	cp -r "$common" "$stage"
	binary "$arch" "$stage/dlm"
	mkdir "$dist/image/$arch"
	cp "$stage/dlm" "$dist/image/$arch/dlm"
	"$work/bin/cyclonedx-gomod" bin -json -std -noserial -notimestamp -version "$version" \
		-output "$dist/$name.sbom.json" "$stage/dlm" 2>"$work/sbom.log" || { cat "$work/sbom.log" >&2; exit 1; }
	find "$stage" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
	for kind in deb rpm; do
		(cd "$stage" && PKG_ARCH=$arch "$work/bin/nfpm" package --config packaging/nfpm.yaml --packager "$kind" \
			--target "$dist/$name.$kind" >"$work/nfpm.log") || { cat "$work/nfpm.log" >&2; exit 1; }
	done
	tar -C "$work" --sort=name --format=gnu --owner=0 --group=0 --numeric-owner \
		--mtime="@$SOURCE_DATE_EPOCH" --exclude=packaging -cf - "$name" | gzip -n9 >"$dist/$name.tar.gz"
done
(cd "$dist" && sha256sum -- *.* >"$work/sums" && mv "$work/sums" SHA256SUMS)
