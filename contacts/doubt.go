package contacts

import "fmt"

// Doubt is a question to the user: the server's list lost so much that it may be
// an accident. Until it is answered the list last known stays, here and in the
// copy on this computer.
type Doubt struct {
	Loss
	Kept, Server List // the user's own groups as last known, and as the server has them now
}

// DoubtError: the list cannot be changed before a Doubt is answered.
type DoubtError struct{ Loss }

func (e *DoubtError) Error() string {
	return e.Loss.String() + "; say first whether to keep the list you had or to take the server's"
}

// Loss is what a list that came from elsewhere lacks of the one last known.
type Loss struct {
	Before, Now int       // people in the user's own groups
	Missing     []Contact // who was there and is not any more, each once, in order
	Emptied     bool      // there were groups and now there is none
}

// A loss is in doubt from so many people at once, or from so large a part of the
// list if it is not just somebody or two.
const (
	doubtMany = 10
	doubtPart = 3 // a third
	doubtSome = 3
)

// LossOf compares the list last known with what a server now says.
func LossOf(before, now List) Loss {
	left := map[string]bool{}
	for _, u := range now.Without(Org).Users() {
		left[u] = true
	}
	own := before.Without(Org)
	l := Loss{Now: len(left), Emptied: len(own.Groups) > 0 && len(now.Without(Org).Groups) == 0}
	for _, u := range own.Users() {
		l.Before++
		if !left[u] {
			l.Missing = append(l.Missing, Contact{User: u, Name: own.Name(u)})
		}
	}
	return l
}

// Doubtful says whether so much is gone that it may be an accident (a store that
// was reset, an old backup) rather than the user's work at another computer. Then
// he is asked, and until he answers the list last known stays:
//
//   - nobody is left though there was somebody, or no group is left
//   - ten people or more are gone at once
//   - more than a third are gone, at least three people
func (l Loss) Doubtful() bool {
	n := len(l.Missing)
	return l.Emptied || l.Before > 0 && l.Now == 0 || n >= doubtMany || n >= doubtSome && n*doubtPart > l.Before
}

// String says what happened.
func (l Loss) String() string {
	if l.Now == 0 {
		return fmt.Sprintf("the contact list on the server is empty; it had %d people", l.Before)
	}
	return fmt.Sprintf("the contact list on the server lacks %d of your %d people", len(l.Missing), l.Before)
}
