#!/bin/sh
# Installs the package in dist/ in a fresh Debian and starts there, as its user, the very command that its unit has; then people chat. As
# root, since it makes the Debian (debootstrap, in a temporary folder that is removed) and changes into it. ROOT names one that is there.
set -eu
cd "$(dirname "$0")/../.."
package=$(ls dist/throng_*_"$(dpkg --print-architecture)".deb)
work=$(mktemp -d)
root=${ROOT:-$work/root}
server=
finish() {
	[ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server"; } || true
	! mountpoint -q "$root/proc" || umount "$root/proc"
	rm -rf --one-file-system "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

[ -d "$root" ] || timeout 600 debootstrap --variant=minbase --include=systemd,procps,ca-certificates bookworm "$root" >"$work/debootstrap.log" ||
	{ tail "$work/debootstrap.log"; exit 1; }
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
cp "$package" "$root/throng.deb"

echo "== dpkg --install"
chroot "$root" dpkg --install /throng.deb
chroot "$root" sh -c 'id throng; ls -l /etc/throng; test ! -e /etc/systemd/system/multi-user.target.wants/throng.service && echo "not enabled, not started"'
echo "== systemd-analyze"
chroot "$root" systemd-analyze verify --man=no throng.service
chroot "$root" systemd-analyze security --offline=true --no-pager throng.service | tail -1
command=$(sed -n 's/^ExecStart=//p' "$root/usr/lib/systemd/system/throng.service")
echo "== $command"
mkdir -p "$root/var/lib/throng"
chroot "$root" chown throng: /var/lib/throng
chroot "$root" chmod 0700 /var/lib/throng
# shellcheck disable=SC2086 # the command is words
THRONG_ADDR=127.0.0.1:18888 THRONG_ADMIN=127.0.0.1:18889 chroot --userspec throng:throng "$root" $command 2>"$work/log" &
server=$!
for _ in $(seq 100); do
	chroot "$root" throng health --admin 127.0.0.1:18889 2>/dev/null && break
	kill -0 "$server" || { cat "$work/log"; exit 1; }
	sleep 0.2
done
echo "== people"
chroot "$root" throng load --url ws://127.0.0.1:18888 --users 10 --scenario chat --rate 20/s --duration 5s --ramp 1s --slo lost==0 --slo duplicated==0 --quiet
echo "== stop"
kill "$server"
wait "$server"
server=
cat "$work/log"
chroot "$root" ls -l /var/lib/throng
chroot "$root" dpkg --purge throng
echo "installed, started, talked, stopped, removed"
