// Package im is conversations: one to one, many, and a whole contact group,
// by page-mode messages (RFC 3428) through the server one is signed in to, and by
// sessions where they must be (session.go).
//
// A message has one honest state per recipient; outbox.go draws how it changes.
// It is stored before it is sent, and one that comes before it is acknowledged.
// What was written and not answered is Unknown, and Conversation.Again repeats it
// under the same Call-ID; unasked that is done only where the recipient's client
// is known to show a repeated message once. Lines to one recipient leave in
// order, one at a time (RFC 3428 §8).
//
// It is not the store of what was said (that is history); a Book keeps the
// newest lines only. Begin with New, Book.With and Conversation.Send.
package im

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"communicator/wire/sipconn"
)

// State is where a message to one recipient stands. It is never better than
// what is known.
type State string

const (
	Queued    State = "queued" // stored here, leaves when connected
	Sending   State = "sending"
	Unknown   State = "unknown"   // no final answer, or a server's 408 or 504, which says the same of the next hop
	Failed    State = "failed"    // refused, or certainly not sent
	Accepted  State = "accepted"  // 202: a server keeps it for later
	Delivered State = "delivered" // 200: the recipient's client took it
	Read      State = "read"      // the recipient's client says that it was shown
)

// rank orders states: a delivery moves to one of the same rank or a higher one,
// and lower only when Again begins anew.
func (s State) rank() int {
	switch s {
	case Queued:
		return 0
	case Sending:
		return 1
	case Unknown, Failed:
		return 2
	case Accepted:
		return 3
	case Delivered:
		return 4
	}
	return 5 // Read
}

// Delivery is the state of one message at one recipient.
type Delivery struct {
	ID     string // of the message
	To     string // "user@domain"
	State  State
	Code   int    // SIP status; 0: none
	Reason string // for a person to read
	Took   time.Duration

	Blocked bool // Failed: a filter of the organisation took offence at the text; it is never sent again as it is
	Plain   bool // in a shared conversation: the recipient's client takes plain text only, so he does not see the others
}

// Message is one line of a conversation.
type Message struct {
	ID        string     // Call-ID of its MESSAGE (several recipients, or a Bulk: what follows the first dot of theirs); unique
	With      string     // key of the conversation it belongs to
	From      string     // who the server says it is from; own address for one's own
	Text      string     // plain text, made harmless
	Time      time.Time  // when it was sent, as far as known
	Stored    bool       // was kept by a server and is delivered late
	Read      bool       // incoming: the user has seen it, here or on another device
	Request   bool       // incoming, from a stranger who is not admitted yet: shown quietly, its links are no links, nothing is answered to it
	Delivered []Delivery // own messages: one per recipient
	Raw       string     // own messages: as typed, where Text, which is harmless, differs from it
	Group     *Group     // lines of shared conversations: who was in it with this line; else nil
	owes      owed       // incoming: what its sender wants to hear of it
	Notice    string     // empty: what somebody wrote; else what the line tells of the members (Joined, ...); Text is for people
}

// Group is who is in a shared conversation. Two of them are the same
// conversation if they have the same ID, whatever else has changed.
type Group struct {
	ID      string   // unique
	Title   string   // empty: none
	Members []string // everybody, as "user@domain", in the order of joining; oneself too, unless one has left; not to be changed, lines share it
	Added   []string // of them: came in with this line
}

// Received: a message arrived. DeliveryChanged: one's own got further.
// MembersChanged: others are in a shared conversation now, or its title is another.
type (
	Received        struct{ Message Message }
	Sent            struct{ Message Message } // an own message entered its conversation, state sending or queued
	DeliveryChanged struct {
		With     string
		Delivery Delivery
	}
	MembersChanged struct {
		With    string
		Members []string // the others
	}
	Seen struct { // the user has seen what came, here or on another device
		With string
		UpTo time.Time // Message.Time of the latest line seen
	}
	Aged struct{ With, ID string } // at Connected, an own message had waited for more than two minutes: Conversation.Again sends it, Discard drops it
)

// MaxText is the longest text that one MESSAGE carries, in bytes of UTF-8. The whole
// MESSAGE stays under 15,000 bytes: some servers cut the connection at 16,000.
// Longer texts go by session, up to MaxSession, or in parts, up to MaxParted.
const MaxText = 15000 - headerRoom

// headerRoom is kept free for the headers of a MESSAGE: credentials and a long
// pair of addresses take about 1,200 bytes.
const headerRoom = 2000

// TooLongError: the text is too long to be sent as one message.
type TooLongError struct{ Size, Max int } // bytes

func (e *TooLongError) Error() string {
	return fmt.Sprintf("message too long: %d bytes, at most %d can be sent", e.Size, e.Max)
}

// Store is where messages outlive the process. Nil fields keep nothing. Keep and
// Settled come one at a time, in the order of things; no lock of im is held.
type Store struct {
	// Keep is called before a message is sent (an own one, which has Delivered) or
	// acknowledged (an incoming one). known: it is there already, with the same ID,
	// From and Text, so it is acknowledged and not shown (but what another process of
	// the user stored a moment ago is for both to show); the same ID with another
	// text is a message of its own. err: it is not sent; its sender hears 500, so
	// that the server keeps it.
	//
	// An empty With is a Bulk: it is stored once, and belongs to the conversation
	// with each of its recipients. One that is resumed is known, and may have further
	// recipients.
	Keep func(Message) (known bool, err error)
	// Settled records what Book knows of a delivery, of a message with d.ID to d.To.
	// It is recorded as it is: Book sees to it that nothing gets worse but by Again.
	Settled func(with string, d Delivery) error
	Seen    func(with string, upTo time.Time) error              // all that came is read
	Newest  func(with string, before time.Time, n int) []Message // the last n before then, oldest first; zero time: the newest
	Unsent  func() []Message                                     // own messages with a recipient who is queued or sending, oldest first
}

// Options of a Book.
type Options struct {
	Self string           // own address
	Line *sipconn.Line    // current connection
	Emit func(any)        // gets Received, Sent, DeliveryChanged, MembersChanged, Seen; in order, without a lock held; nil: nobody listens
	Now  func() time.Time // nil: time.Now

	Store Store        // where messages are kept; the zero Store keeps nothing
	Queue bool         // what cannot be sent now waits for Connected; else it fails at once (scripts)
	Log   *slog.Logger // nil: silent

	Relay       func(context.Context) (Relay, error) // connects to the server's relay for long messages; nil: there is none
	HideReading bool                                 // others are not told what the user has read

	Refuse  func(from string) (code int, reason string) // how messages of from are refused; 0: they are taken; nil: all are
	Explain func(to string, code int) string            // what a refusal with this status means; empty: nothing more than its reason; nil: never
	Name    func(user string) string                    // what somebody is called, as others may read it; empty: by the address; nil: all are

	Stranger func(key, from string) bool // says whether what from writes into that conversation waits to be admitted (Message.Request); nil: nothing does
	Limited  bool                        // who sends too much is refused for a while, also when what strangers may have waiting is full; a script takes everything
}
