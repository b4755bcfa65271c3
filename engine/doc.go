// Package engine holds the sockets.
package engine
