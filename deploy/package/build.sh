#!/bin/sh
# Builds what is released into dist/: for each processor a package for Debian and an archive, what is in them (CycloneDX), and sums.
# "make package" calls it with the tools' paths in NFPM and SBOM, and the Go to build with in GOTOOLCHAIN. The same commit gives the
# same bytes, wherever and whenever it is built: "make reproducible" shows it.
# PROCESSORS names others than the two.
set -eu
cd "$(dirname "$0")/../.."
umask 022
export CGO_ENABLED=0 LC_ALL=C TZ=UTC GOFLAGS="-trimpath -buildvcs=false"

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
MTIME=$(date --date "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
named=$(git describe --tags --always --dirty)
case $named in
[0-9]*.* | v[0-9]*.*) VERSION=$(echo "${named#v}" | tr - +) ;;
*) VERSION=0.0.0~$(date --date "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S).$(echo "$named" | tr - +) ;; # no release yet
esac
MAINTAINER="Throng's contributors <throng@packages.invalid>"
export SOURCE_DATE_EPOCH

# stage lays out what differs from processor to processor, and what has to be made.
stage() {
	mkdir -p "$STAGE"
	GOARCH=$ARCH go build -ldflags "-s -w -buildid= -X main.version=$VERSION" -o "$STAGE/throng" .
	"$native" help --man | gzip -9n >"$STAGE/throng.1.gz"
	"$native" config default | sed 's|^data = .*|data = "/var/lib/throng"|' >"$STAGE/throng.toml"
	{ echo "Throng"; echo; cat LICENSE; } >"$STAGE/copyright"
	printf 'throng (%s) unstable; urgency=medium\n\n  * As of this commit; CHANGELOG.md of the source tells more.\n\n -- %s  %s\n' \
		"$VERSION" "$MAINTAINER" "$(date --date "@$SOURCE_DATE_EPOCH" --rfc-email)" | gzip -9n >"$STAGE/changelog.gz"
	cp deploy/package/throng.service README.md CHANGELOG.md LICENSE "$STAGE"
	find "$STAGE" -exec touch --date "@$SOURCE_DATE_EPOCH" {} +
}

rm -rf dist
mkdir dist
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
native=$work/native
go build -ldflags "-buildid= -X main.version=$VERSION" -o "$native" .
for ARCH in ${PROCESSORS:-amd64 arm64}; do
	STAGE=$work/$ARCH/throng_$VERSION
	stage
	sed "s|\${ARCH}|$ARCH|; s|\${VERSION}|$VERSION|; s|\${MAINTAINER}|$MAINTAINER|; s|\${MTIME}|$MTIME|; s|\${STAGE}|$STAGE|" \
		deploy/package/nfpm.yaml >"$work/nfpm.yaml"
	"$NFPM" package --config "$work/nfpm.yaml" --packager deb --target "dist/throng_${VERSION}_$ARCH.deb"
	tar --directory "$work/$ARCH" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --format=gnu \
		--create "throng_$VERSION" | gzip -9n >"dist/throng_${VERSION}_linux_$ARCH.tar.gz"
	"$SBOM" bin -json -noserial -std -version "$VERSION" "$STAGE/throng" |
		sed "s|\"timestamp\": \"[^\"]*\"|\"timestamp\": \"$MTIME\"|" >"dist/throng_${VERSION}_$ARCH.cdx.json"
done
(cd dist && sha256sum -- * >SHA256SUMS)
cat dist/SHA256SUMS
