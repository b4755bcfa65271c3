// Package cluster is a node's place among others: NATS within the process or a connection to the operator's, the directory
// of who holds which nick, and what nodes tell each other. Consensus, membership of servers and replication are NATS's;
// the log on it is history's.
//
//	cluster.go  Config, Cluster: joining and leaving; connect.go the connections, server.go the embedded server
//	store.go    the directory as JetStream keeps it
//	visit.go    looking in without being a node; host.go the embedded server without one
//	lease.go    which nodes are alive; nicks.go who holds a nick; release.go giving nicks up, one's own and the dead's;
//	            watch.go hearing of all that
//	route.go    what becomes of the embedded server's routes to others
//	tell.go     telling others, who listen to topics; ask.go asking them; token.go the names of it all
//
// # Names
//
//	stream THRONG_NICKS       the directory, in memory on one server alone, one message a subject
//	throng.nick.<nick>        "<node> <tag> <number>": the node that holds it, by which lease, and which try of its wrote it
//	throng.alive.<node>       "<tag>": a node's lease, written again at each beat
//	throng.changed.>          each change of the directory, as the servers tell all nodes: nick.<nick>, alive.<node>
//	throng.tell.<topic>       what is told of a topic; the reply subject is the sender's
//	throng.node.<node>.<from> a question of one node to another
//
// A nick or a segment of a topic is a token as it is when it has only letters, digits and '-', and otherwise '_' and
// base64. An empty message is an entry that was removed; JetStream forgets it after seconds.
//
// # Leases
//
// A node renews its lease every half second. A nick belongs to a lease and not to a node's id: when the lease is removed,
// all its nicks are free at that moment, and nothing need be written for each.
//
// No clocks are compared. Every node watches the others' leases and removes one that it has not seen renewed for six
// seconds of its own, by a compare-and-set that fails if it was renewed after all. One that was slow itself, or could store
// nothing, first has to have three beats of its own stored one after another, in which all others have the time to renew
// too: an election costs nobody the lease. A node that cannot renew for six seconds says so (OnLease) and takes no nicks,
// before another can remove its lease. If the lease still stands when the servers answer again, it goes on, and Hold costs
// nothing for the nicks that it has; else it takes a new one and has none.
//
// # Faults
//
//   - A node is killed: its nicks are free after six to seven seconds. If its embedded server led the directory, the
//     others elect another meanwhile, which NATS does within four to nine seconds, and they are free at the latest two to
//     three seconds after that. The election alone frees nobody's nicks.
//   - A node is closed: its nicks are free at once.
//   - A node is cut off from the servers, or its server from the quorum: it is not Healthy after a second and a half,
//     has no lease after six, and is otherwise as if killed; when the cut is mended it goes on by itself.
//   - A single server restarts: the directory begins anew, and all nodes take new leases and, told by OnLease, hold their
//     nicks again. Whoever is first has a nick.
//   - A server of three is lost: nothing happens, but for an election. Two of three: nobody is Healthy until one is back.
//   - An answer is lost: Hold writes again, by the revision that it finds. A write that arrives after Hold has failed is
//     found by its number, and removed.
//
// # Cost
//
// A nick costs about 400 bytes in its node and a directory within it together, and no goroutine; taking a free one is one
// request, a taken one three. Of each that is taken or given up every node hears, in some 150 bytes. A beat is one write,
// and one read for each node. A dead node's nicks are swept from the directory, one by one and without hurry, by the
// first of the live nodes.
//
// # Threads
//
// Of its own a Cluster has a goroutine that beats, one that releases, one that hears what is told, one that watches,
// and, once Answer was called, sixteen that answer. Callbacks say by which they are called. The locks are leaves: no other of this
// package is taken, and nothing waited for, while one is held. Listen and Unlisten subscribe and unsubscribe under theirs, for which
// nats.go has locks of its own.
package cluster
