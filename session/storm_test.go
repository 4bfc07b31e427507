package session

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"communicator/lab"
	"communicator/presence"
)

// A thousand changes of 250 people within one second: in the end every state
// and note is the last one, and each was told.
func TestThousandChangesInASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const people, changes = 250, 1000
		co := company(t, lab.Options{People: 300})
		c := signedIn(t, options(co, co.Newcomer()))
		var users []string
		for _, p := range co.People() {
			if p.User != co.Newcomer().User && len(users) < people {
				users = append(users, p.User)
			}
		}
		if err := c.Presence.Known(t.Context(), users...); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		before := len(got[PresenceChanged](c))
		lot := rand.New(rand.NewPCG(1, 2))
		words := map[string]presence.Availability{"available": presence.Available, "busy": presence.Busy, "dnd": presence.DoNotDisturb, "away": presence.Away}
		names := []string{"available", "busy", "dnd", "away"}
		last := map[string]string{}
		for i := range changes {
			user, state := users[lot.IntN(people)], names[lot.IntN(len(names))]
			co.Do(fmt.Sprintf("state %s %s change %d", user, state, i))
			last[user] = fmt.Sprintf("%s change %d", words[state], i)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(10 * time.Second)
		wrong := 0
		for user, want := range last {
			if p := c.Presence.Of(user); string(p.Availability)+" "+p.Note != want || p.Old {
				if wrong++; wrong < 5 {
					t.Errorf("%s: %s %q old %v, want %s", user, p.Availability, p.Note, p.Old, want)
				}
			}
		}
		told := map[string]string{}
		for _, e := range got[PresenceChanged](c)[before:] {
			told[e.User] = string(e.State.Availability) + " " + e.State.Note
		}
		for user, want := range last {
			if told[user] != want {
				t.Errorf("%s: told last %q, want %q", user, told[user], want)
				break
			}
		}
		if wrong > 0 || len(last) < people*9/10 {
			t.Errorf("%d of %d states are wrong", wrong, len(last))
		}
	})
}
