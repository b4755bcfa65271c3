#!/bin/sh
# Builds the packages of this commit twice, in two folders, with a cache each, and compares the sums.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
for copy in one another/and-deeper; do
	git clone --quiet . "$work/$copy"
	GOCACHE=$work/$copy/.bin/cache sh "$work/$copy/deploy/package/build.sh" >/dev/null
done
diff "$work/one/dist/SHA256SUMS" "$work/another/and-deeper/dist/SHA256SUMS"
cat "$work/one/dist/SHA256SUMS"
echo "both builds are the same"
