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
//	nodes_test.go      what two nodes are to each other: nicks, people, receipts, interest, one port; nodes_who_test.go who is at which
//	token_test.go      one bearer of a token at two nodes
//	handover_test.go   a new process takes over, or cannot; settings read again; restarts_test.go the same under load, by the load
//	                   tester's books; -restarts.users, -restarts.ramp and -restarts.for
//	mixed_test.go      nodes of this version and of the one before
//	move_test.go       a log is moved, and the move is killed
//	rules_test.go      who was banned or muted stays so after kill -9, or in another folder
//	webhook_test.go    what an endpoint is told, whatever crashes and however bad the endpoint is
//	cluster_test.go    three nodes, killed, stopped, hung, cut off and slowed down, under load; -chaos.rounds and -chaos.seed
//	wires_test.go      what joins the three, on loopback; namespace_test.go in network namespaces, if there are rights to make them
//	tls_test.go        some of version 2 over TLS, a new certificate under way, one by ACME
//	cutoff_test.go     one of the three that is cut off refuses
//	proxy_test.go      behind nginx and HAProxy with the files of deploy/proxy, which proxies_test.go runs; proxy_address_test.go whom
//	                   the server sees there
//	readme_test.go     the tests that the README names are there
package accept
