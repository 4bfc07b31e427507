package sipconn

import (
	"errors"
	"fmt"
	"time"
)

// ErrOffline: there is no connection; nothing was sent.
var ErrOffline = errors.New("not connected")

// ErrLost: the connection ended after the request was written and before its
// final response; whether the other side acted on it is unknown.
var ErrLost = errors.New("connection lost")

// ErrNoAnswer: no final response within 64*T1 = 32 s (RFC 3261 §17.1.2.2,
// timer F); whether the other side acted on it is unknown.
var ErrNoAnswer = errors.New("no answer after 32 s")

// StatusError is a final response of 300 or above.
type StatusError struct {
	Code       int
	Reason     string        // the text of Warning or ms-diagnostics where there is one, else the reason phrase; plain text
	Warning    string        // the text of Warning alone (RFC 3261 §20.43); plain text
	RetryAfter time.Duration // Retry-After; 0: none given
}

func (e *StatusError) Error() string { return fmt.Sprintf("%d %s", e.Code, e.Reason) }
