package session

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/lab"
)

// What the server has of us is taken back at sign-out, also by a command that
// publishes nothing: else it would notify nobody for the rest of an hour. That
// costs no time of its own.
func TestSignOutEndsSubscriptions(t *testing.T) {
	const delay = 50 * time.Millisecond // of each answer
	for _, silent := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			co := company(t, lab.Options{People: 200})
			o := options(co, co.Newcomer())
			o.Silent = silent
			c := signedIn(t, o)
			if err := c.Presence.Known(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
			co.Do("fault delay all " + delay.String())
			before, begin := len(c.Trace()), time.Now()
			c.stop()
			limit := 3 * delay // REGISTER, or PUBLISH and REGISTER, or the SUBSCRIBE before it
			if took := time.Since(begin); took > limit {
				t.Errorf("signing out took %v", took)
			}
			asked, answered := map[string]bool{}, map[string]bool{}
			for _, m := range c.Trace()[before:] {
				if strings.HasPrefix(m.Message, "SUBSCRIBE ") && strings.Contains(m.Message, "Expires: 0\r\n") {
					asked[callOf(m.Message)] = true
				}
				if strings.HasPrefix(m.Message, "SIP/2.0 200") && strings.Contains(m.Message, " SUBSCRIBE\r\n") {
					answered[callOf(m.Message)] = true
				}
			}
			if len(asked) != 2 || len(answered) != 2 {
				t.Errorf("silent %v: of the list and of our watchers %d subscriptions were ended, %d with an answer", silent, len(asked), len(answered))
			}
		})
	}
}

func callOf(message string) string {
	_, id, _ := strings.Cut(message, "Call-ID: ")
	id, _, _ = strings.Cut(id, "\r\n")
	return id
}
