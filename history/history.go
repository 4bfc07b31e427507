// Package history is what was said and who called, on disk: one SQLite file,
// searched by its full-text index (FTS5). The window and commands of one user
// write to it at the same time.
//
// An entry is known by its Message-ID, its sender and its text: what comes a
// second time, from a server or another device, is recognised. The same ID with
// another text is another entry, as nothing that somebody wrote may be lost.
// Entries are in the order of their Time.
//
// What Add and Settle have returned survives kill -9 of the process, as it has
// been handed to the system (write-ahead log, synchronous=NORMAL). A loss of
// power may take the last moments, never the file; full synchronisation would
// add a flush of the disk to each message and each result.
//
// It is not the rules of sending or of what is a duplicate on the wire (that is
// im). Begin with Open, Store.Add and Store.Newest.
package history

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Kind of an Entry.
type Kind int

const (
	Message Kind = iota
	Call
	Notice // about the members of a conversation; Text is for people
)

var kinds = []string{"message", "call", "notice"}

func (k Kind) String() string { return kinds[k] }

// Entry is a line of a conversation, or a call.
type Entry struct {
	ID      string // Message-ID; of a call its Call-ID
	With    string // key of the conversation: the others' addresses, sorted and joined by commas, or "group:ID"; empty: own, to several people separately, and in the conversation with each
	From    string // "user@domain"
	Own     bool   // written, or called, by this user
	Kind    Kind
	Text    string    // plain text
	Raw     string    // own: as typed, to repeat it; empty: as Text
	Time    time.Time // when it was written or began, to the microsecond
	Read    bool      // incoming: the user has seen it
	Late    bool      // a server kept it
	Request bool      // incoming, of a stranger who is not accepted yet
	Notice  string    // of a Notice: "joined", "left", "renamed"
	Title   string    // of a conversation that everyone sees, with this line
	Members []string  // of the same, in the order of joining; empty: With has them
	Added   []string  // of them: came in with this line
	To      []Recipient

	Device string        // of a call: on which it was
	Reason string        // of a call: why it was diverted or ended
	Length time.Duration // of a call; 0: nobody answered
}

// Recipient is where an own message stands at one of those it is for.
type Recipient struct {
	To     string // "user@domain"
	State  string // one of States
	Code   int    // SIP status; 0: none
	Reason string
	Took   time.Duration

	Plain   bool // of a conversation that everyone sees: got it as plain text
	Blocked bool // failed: a filter took offence at the text
}

// States of a Recipient, the better after the worse. A message of which one is
// queued or sending is unsent.
func States() []string { return slices.Clone(states) }

var states = []string{"queued", "sending", "unknown", "failed", "accepted", "delivered", "read"}

// pending is the number of states at the beginning of states that are unsent.
const pending = 2

// unknown is what another device's pending state means here.
const unknown = 2

// Errors by which a caller decides. ErrFull: there is no room on the disk (or in
// the user's quota); nothing was stored, and what was stored before is whole.
// ErrBusy: another process repairs the file just now.
var (
	ErrFull = errors.New("there is no room on the disk")
	ErrBusy = errors.New("another window is repairing the history; try again in a minute")
)

// errDamaged: SQLite says that the file is malformed.
var errDamaged = errors.New("the file is damaged")

// NewerError: a newer version of this program has written the file. It was not
// touched.
type NewerError struct {
	File        string
	Have, Known int // versions of its form
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s was written by a newer version of this program (form %d, known is %d)", e.File, e.Have, e.Known)
}

// mark is what an entry is recognised by.
func (e Entry) mark() []byte {
	sum := sha256.Sum256([]byte(e.ID + "\x00" + e.From + "\x00" + e.Text))
	return sum[:16]
}

// unsent says whether the entry still has to leave.
func (e Entry) unsent() bool {
	return e.Own && slices.ContainsFunc(e.To, func(r Recipient) bool { return rank(r.State) < pending })
}

// rank is the place of a state in States; one that is not known counts as unknown.
func rank(state string) int {
	if i := slices.Index(states, state); i >= 0 {
		return i
	}
	return unknown
}
