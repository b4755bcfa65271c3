// Package doctor finds out whether a machine is fit to serve, or to simulate, so many users, and says what to change.
// It is what `throng doctor` prints and what `throng load` asks before it starts.
//
// # The tour
//
//	check.go      Check: what was looked at, what was found, how bad it is, and what to paste; Print
//	machine.go    Machine: the facts, read once by Look; proc.go and cgroup.go parse them, clock.go asks the kernel
//	files.go      open files: how many sockets a limit allows, how many processes a number of users asks for
//	memory.go     what a socket costs, what is left, what the server is told to keep to, and how much the kernel lets sockets have
//	network.go    accept queue, ports, connection tracking
//	server.go     Server: all that matters to a server of so many sockets; Capacity
//	load.go       Load: all that matters to a load run, which is told in its first line
//	pair.go       KeyPair: the certificate and its key: do they fit, until when, and who will trust them
//	secret.go     SecretFile: may others read what the server is given in confidence
//	folder.go     DataFolder: may be written, is durable, and how fast
//	upgrade.go    Upgrade: does a WebSocket come through the proxy; address.go is the way there, with TLS; answer.go reads
//	              what a refusal means; talk.go tries messages, and waits
//
// # Facts and judgement
//
// Look reads and does not judge. Server and Load judge and do not read: they are functions of a [Machine], so that
// each verdict is tested on machines that nobody has to own. DataFolder, KeyPair, SecretFile and Upgrade do both, since
// what they are about is found out by trying.
//
// # Advice
//
// Advice is lines that can be pasted into a root shell or the file that the comment behind names. `sysctl -w` lasts until the next
// boot; the same line without `sysctl -w` in /etc/sysctl.d/90-throng.conf lasts longer. In a container most of these
// must be said to whoever starts it; where the container is known the advice gives its words too.
//
// # What a socket costs
//
// Measured on Linux 6.18 with 8,000 to 18,000 connections: 3.9 to 4.2 KB of kernel memory for each end of a connection
// that waits, 1.3 KB in the server's process, and one page of socket buffer (tcp_mem) as long as a message is
// under way in it. For TLS 10 KB are allowed. Estimates here are made of these, rounded up; what a program needs beside its sockets, and the load
// tester for a user, is an allowance (memory.go).
package doctor
