// Package accept is the acceptance of version 2: the program as it is shipped, in a process of its own, seen through real
// sockets. It has tests only.
//
//	house_test.go      the chat under test: a server alone, or two nodes whose people come in at both
//	node_test.go       one server: started, stopped, killed, started again
//	link_test.go       a line between two servers that can be cut and be slow
//	person_test.go     somebody on a socket, seen byte by byte
//	v2_..._test.go     the protocol, row by row, alone and on two nodes
//	ledger_test.go     what was acknowledged and what was heard, kept outside of the server
//	crash_test.go      kill -9 at random moments, under load; -crash.rounds and -crash.seed
//	torn_test.go       a damaged end of the newest file
//	full_test.go       a full disk; needs root for a file system of its own
//	storm_test.go      all come back at once
//	nodes_test.go      what two nodes are to each other: nicks, people, receipts, interest, one port
//	cluster_test.go    three nodes, killed, stopped, hung, cut off and slowed down, under load; -chaos.rounds and -chaos.seed
//	wires_test.go      what joins the three, on loopback; namespace_test.go in network namespaces, if there are rights to make them
//	tls_test.go        some of version 2 over TLS, a new certificate under way, one by ACME
//	cutoff_test.go     one of the three that is cut off refuses
//	proxy_test.go      behind nginx and HAProxy with the files of deploy/proxy, which proxies_test.go runs
package accept
