package directory

import (
	"context"
	"errors"
)

// Source is where a copy of everybody is made from: an LDAP directory, a vCard
// file, a CSV file. What it gives may come in parts of any size, in any order
// and more than once: of two people with the same Key the later counts. The
// function it is given ends it by an error, which it returns. Without an error
// it has told all.
type Source interface {
	// All gives everybody who is there. The mark says up to where they have been
	// read; it is taken before the first is, so that what changes meanwhile is
	// told again by Changes. Empty: changes cannot be told.
	All(ctx context.Context, people func([]Person) error) (Mark, error)

	// Changes gives who is new or has changed since that mark. Somebody who is
	// no longer shown (a disabled account) has a Key and neither User nor Name.
	// Who was deleted need not be told. ErrMark: read All.
	Changes(ctx context.Context, since Mark, people func([]Person) error) (Mark, error)

	// Keys gives the Key of everybody who is there, to find who was deleted.
	Keys(ctx context.Context, keys func([]string) error) error
}

// Mark is a place in the history of a Source, which alone knows what it means
// (a change number and whose, a time). At most MaxMark bytes of text.
type Mark string

// MaxMark is the longest Mark in bytes.
const MaxMark = 4096

// ErrMark: changes since that mark cannot be told. The server is another one,
// was set up anew, or has forgotten.
var ErrMark = errors.New("the directory does not know what has changed since then")
