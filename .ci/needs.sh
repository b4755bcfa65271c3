# What the tests use beside Go: a C compiler for the race detector, Chromium and node for the page, nginx and HAProxy to stand before the
# server. As root on a Debian-like system the missing ones are installed; elsewhere it is said what will not be tested.

# have tells whether any of the named programs or files is there.
have() {
	for program in "$@"; do
		command -v "$program" >/dev/null 2>&1 && return
		[ -e "$program" ] && return
	done
	return 1
}

# need PACKAGE LOSS PROGRAM...: installs the package unless one of its programs is there, or tells the loss.
need() {
	package=$1 loss=$2
	shift 2
	have "$@" && return
	if [ "$installs" = yes ] && [ "$(id -u)" = 0 ] && have apt-get; then
		echo "installing $package"
		export DEBIAN_FRONTEND=noninteractive
		{ apt-get update -qq && apt-get install -y -qq --no-install-recommends "$package"; } </dev/null >/dev/null && have "$@" && return
	fi
	echo "$package is missing: $loss"
}

installs=yes
need gcc "go test -race will fail" gcc clang "${CC:-cc}"
need chromium "the page will not be tested in a browser" chromium chromium-browser google-chrome headless_shell
need nodejs "the page's modules will not be tested by themselves" node

# Their packages start what they bring on a machine that systemd runs, so there it is left to whoever owns the machine.
[ ! -d /run/systemd/system ] || installs=no
need nginx-light "the server will not be tested behind nginx" nginx /usr/sbin/nginx
need libnginx-mod-stream "the server will not be tested behind nginx that passes TLS on" /usr/lib/nginx/modules/ngx_stream_module.so
need haproxy "the server will not be tested behind HAProxy" haproxy /usr/sbin/haproxy
