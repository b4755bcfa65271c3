package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/gobwas/ws"
)

const (
	maxFrame   = 16 << 20         // bytes of one message from the server
	writeWait  = 10 * time.Second // for one message to leave
	firstIdle  = 75 * time.Second // silence that ends a connection, until the server has told how often it pings
	idlePings  = 3                // pings that may be missed
	readBuffer = 4 << 10          // bytes
)

// link is one WebSocket to the server. One goroutine reads; any may send.
type link struct {
	conn net.Conn
	in   *bufio.Reader
	idle time.Duration // the reader's

	mu sync.Mutex // held while a frame is written
}

// open connects and asks for the upgrade to version 2 (RFC 6455, section 4).
func open(ctx context.Context, server, nick string) (*link, error) {
	dialer := ws.Dialer{Protocols: []string{protocol}, ReadBufferSize: readBuffer}
	conn, early, shake, err := dialer.Dial(ctx, server+"/conn/ws/"+url.PathEscape(nick))
	if err != nil {
		return nil, fmt.Errorf("client: connecting: %w", err)
	}
	if shake.Protocol != protocol {
		conn.Close()
		return nil, fmt.Errorf("client: the server speaks %q", shake.Protocol)
	}
	var rest []byte
	if early != nil { // it has the bytes that came with the answer
		rest, _ = early.Peek(early.Buffered())
		rest = bytes.Clone(rest)
		ws.PutReader(early)
	}
	in := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(rest), conn), readBuffer)
	return &link{conn: conn, in: in, idle: firstIdle}, nil
}

// send writes a text message.
func (l *link) send(text []byte) error { return l.write(ws.NewTextFrame(text)) }

// write writes a frame, masked (RFC 6455, section 5.3). When the server takes nothing for long the connection ends; of any
// other error the reader learns by itself, behind what there still is to read.
func (l *link) write(f ws.Frame) error {
	raw, err := ws.CompileFrame(ws.MaskFrame(f))
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.conn.SetWriteDeadline(time.Now().Add(writeWait))
	if _, err = l.conn.Write(raw); errors.Is(err, os.ErrDeadlineExceeded) {
		l.conn.Close()
	}
	return err
}

// read waits for the next text message. Pings are answered meanwhile. The error is a *CloseError when the server closed.
func (l *link) read() ([]byte, error) {
	var text []byte
	for {
		_ = l.conn.SetReadDeadline(time.Now().Add(l.idle))
		h, err := ws.ReadHeader(l.in)
		if err != nil {
			return nil, err
		}
		if h.Length > maxFrame || int64(len(text))+h.Length > maxFrame || h.Masked {
			return nil, fmt.Errorf("client: a frame of %d bytes, masked: %t", h.Length, h.Masked)
		}
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(l.in, payload); err != nil {
			return nil, err
		}
		switch h.OpCode {
		case ws.OpText, ws.OpContinuation:
			if text = append(text, payload...); h.Fin {
				return text, nil
			}
		case ws.OpPing:
			_ = l.write(ws.NewPongFrame(payload)) // the next read tells of an error
		case ws.OpPong:
		case ws.OpClose:
			_ = l.write(ws.NewCloseFrame(payload[:min(len(payload), 2)]))
			return nil, closeError(payload)
		default:
			return nil, fmt.Errorf("client: a frame of opcode %d", h.OpCode)
		}
	}
}

// closeError reads a close frame (RFC 6455, section 5.5.1).
func closeError(payload []byte) *CloseError {
	if len(payload) < 2 {
		return &CloseError{Code: int(ws.StatusNoStatusRcvd)}
	}
	return &CloseError{Code: int(binary.BigEndian.Uint16(payload)), Reason: string(payload[2:])}
}

// leave ends the connection in order, as far as that goes without waiting.
func (l *link) leave() {
	_ = l.write(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, "")))
	l.conn.Close()
}
