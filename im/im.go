// Package im is conversations: one to one, many, and a whole contact group,
// by page-mode messages (RFC 3428) through the server one is signed in to.
//
// A message has one honest state per recipient. It is never sent a second time
// unasked: what was written and not answered is Unknown, and Conversation.Again
// repeats it under the same Call-ID, so that who has it already shows it once.
// Lines to one recipient leave in order, one at a time (RFC 3428 §8).
//
// It is not the store of what was said (that is history); a Book keeps the
// newest lines only. Begin with New, Book.With and Conversation.Send.
package im

import (
	"fmt"
	"time"

	"communicator/wire/sipconn"
)

// State is where a message to one recipient stands. It is never better than
// what is known.
type State string

const (
	Sending   State = "sending"
	Delivered State = "delivered" // 200: the recipient's client took it
	Accepted  State = "accepted"  // 202: a server keeps it for later
	Failed    State = "failed"    // refused, or certainly not sent
	Unknown   State = "unknown"   // no final answer, or a server's 408 or 504, which says the same of the next hop
)

// Delivery is the state of one message at one recipient.
type Delivery struct {
	ID     string // of the message
	To     string // "user@domain"
	State  State
	Code   int    // SIP status; 0: none
	Reason string // for a person to read
	Took   time.Duration
}

// Message is one line of a conversation.
type Message struct {
	ID        string     // Call-ID of its MESSAGE (several recipients: what follows the first dot of theirs); unique
	With      string     // key of the conversation it belongs to
	From      string     // who the server says it is from; own address for one's own
	Text      string     // plain text, made harmless
	Time      time.Time  // when it was sent, as far as known
	Stored    bool       // was kept by a server and is delivered late
	Delivered []Delivery // own messages: one per recipient
}

// Received: a message arrived. DeliveryChanged: one's own got further.
type (
	Received        struct{ Message Message }
	Sent            struct{ Message Message } // an own message entered its conversation, state sending
	DeliveryChanged struct {
		With     string
		Delivery Delivery
	}
)

// MaxText is the longest text sent, in bytes of UTF-8. The whole MESSAGE stays
// under 15,000 bytes: some servers cut the connection at 16,000.
const MaxText = 15000 - headerRoom

// headerRoom is kept free for the headers of a MESSAGE: credentials and a long
// pair of addresses take about 1,200 bytes.
const headerRoom = 2000

// TooLongError: the text is too long to be sent as one message.
type TooLongError struct{ Size, Max int } // bytes

func (e *TooLongError) Error() string {
	return fmt.Sprintf("message too long: %d bytes, at most %d can be sent", e.Size, e.Max)
}

// Options of a Book.
type Options struct {
	Self string           // own address
	Line *sipconn.Line    // current connection
	Emit func(any)        // gets Received, Sent, DeliveryChanged; in order, without a lock held; nil: nobody listens
	Now  func() time.Time // nil: time.Now

	Refuse  func(from string) (code int, reason string) // how messages of from are refused; 0: they are taken; nil: all are
	Explain func(to string, code int) string            // what a refusal with this status means; empty: nothing more than its reason; nil: never
}
