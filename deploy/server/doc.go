// Package server joins the halves: it alone knows the engine, the room, the log, the cluster and the pages, and makes a
// running server of them from the settings. main hands it the settings and stops it.
//
//	server.go   Server: starting and stopping, in order
//	listen.go   the listeners; handover.go passes them to the process that follows this one
//	log.go      where the log is, and the cluster with it
//	accept.go   the seam: who may come in, and the session they get; wire.go, what a session sees of a connection
//	certs.go    the certificates of the public listener
//	gate.go     tokens: where a request has one, and what it allows
//	reload.go   settings that change in a running server
//	limits.go   how much there may be, and who takes the connections at a stop
//	pages.go    plain HTTP on the public listener
//	webhook.go  what happens is told to an endpoint
//	admin.go    the private listener; api.go, what is below /api/ there, with
//	            moderation.go, and stats.go, what it tells of this process; observe.go, what programs watch it by: health.go and metrics
//	            (conditions.go has those that no other package counts); profile.go, profiles;
//	            trace.go, what happens to one nick or message; requests.go, ids of requests; spans.go, what OpenTelemetry is sent of
//	            messages, and live.go, of who is traced
package server
