// Package msrp speaks the Message Session Relay Protocol: messages of any length
// over one connection, in chunks, through relays.
//
// It reads and writes frames (Reader, Frame), and Conn is one end of one session
// over a connection that the caller dialled and made secure: it asks a relay for
// a path (Auth), sends messages and says what became of them (Send), and puts
// together what comes in. It never dials and never listens, and knows nothing of
// SIP or SDP. Begin with New, Conn.Auth, Conn.Open and Conn.Send.
//
// Standards: RFC 4975 (MSRP), RFC 4976 (relays).
package msrp

import (
	"crypto/rand"
	"errors"
	"fmt"
)

// DefaultPort is where relays listen (RFC 4975 §15.1).
const DefaultPort = 2855

// ErrLost: the connection ended after the whole message was written and before
// its fate was known.
var ErrLost = errors.New("connection lost")

// ErrIncomplete: the message was certainly not delivered, as its end was never
// sent.
var ErrIncomplete = errors.New("not sent to its end")

// ErrNotConfirmed: the next hop took all of the message, and no report of the
// recipient came.
var ErrNotConfirmed = errors.New("taken by the relay, not confirmed by the recipient")

// StatusError is an answer or a report other than 200 (RFC 4975 §10).
type StatusError struct {
	Code    int
	Comment string // as the other side wrote it: not made harmless
}

func (e *StatusError) Error() string { return fmt.Sprintf("%d %s", e.Code, e.Comment) }

// Status codes of RFC 4975 §10.
const (
	OK             = 200
	BadRequest     = 400
	Unauthorized   = 401
	Forbidden      = 403
	Timeout        = 408
	TooLarge       = 413
	UnknownType    = 415
	OutOfBounds    = 423
	NoSession      = 481
	NotImplemented = 501
	WrongSession   = 506
)

// comments are the words that go with a code.
var comments = map[int]string{
	OK: "OK", BadRequest: "Bad Request", Forbidden: "Forbidden", TooLarge: "Message Too Large",
	UnknownType: "Media Type Not Understood", NoSession: "No Such Session", NotImplemented: "Method Not Understood",
}

// newID makes an identifier for a transaction or a session that nobody guesses.
func newID() string { return rand.Text() } // 26 letters and digits; RFC 4975 §9: 4 to 32
