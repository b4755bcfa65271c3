package ledger

import "bytes"

// Find finds the first stamped text of a received frame: a JSON object, or several on lines of their own. From is
// whom the object names as its sender (the string under from_user), nil if nobody. Rest is what follows the text, in
// which Find finds the next one. Without a stamped text ok is false. The slices are parts of frame. The text is still
// to be read by [Parse] or [Book.Received].
//
//	for text, from, rest, ok := ledger.Find(frame); ok; text, from, rest, ok = ledger.Find(rest) {
func Find(frame []byte) (text, from, rest []byte, ok bool) {
	i := bytes.Index(frame, []byte(mark))
	if i < 0 {
		return nil, nil, nil, false
	}
	text, rest = frame[i:], nil
	if end := bytes.IndexByte(text, '"'); end >= 0 {
		text, rest = text[:end:end], text[end:]
	}
	return text, sender(frame[:i], rest), rest, true
}

// sender looks for from_user in the object whose message has head before and tail after it. It is nearly always in the
// head.
func sender(head, tail []byte) []byte {
	for {
		i := bytes.IndexByte(head, '\n')
		if i < 0 {
			break
		}
		head = head[i+1:]
	}
	if from := value(head); from != nil {
		return from
	}
	if i := bytes.Index(tail, []byte(mark)); i >= 0 {
		tail = tail[:i]
	}
	if i := bytes.IndexByte(tail, '\n'); i >= 0 {
		tail = tail[:i]
	}
	return value(tail)
}

// value is the string under the key from_user in a piece of a JSON object, nil if there is none. Escapes stay as they
// are: a nick of the run has none.
func value(piece []byte) []byte {
	const key = `"from_user"`
	i := bytes.Index(piece, []byte(key))
	if i < 0 {
		return nil
	}
	piece = blank(piece[i+len(key):])
	if len(piece) == 0 || piece[0] != ':' {
		return nil
	}
	piece = blank(piece[1:])
	if len(piece) == 0 || piece[0] != '"' {
		return nil
	}
	piece = piece[1:]
	end := bytes.IndexByte(piece, '"')
	if end < 0 {
		return nil
	}
	return piece[:end:end]
}

// blank skips spaces, which hardly any server writes.
func blank(piece []byte) []byte {
	for len(piece) > 0 && (piece[0] == ' ' || piece[0] == '\t') {
		piece = piece[1:]
	}
	return piece
}
