package lab

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"communicator/wire/sipconn"
)

// letters is what `inbox` says of somebody.
func letters(t *testing.T, c *Company, user string) []letter {
	t.Helper()
	var in struct{ Messages []letter }
	if err := json.Unmarshal([]byte(do(t, c, "inbox "+user)), &in); err != nil {
		t.Fatal(err)
	}
	return in.Messages
}

// Clients that are not as they should be, and that get everything once all the
// same when they are again.
func TestClientsThatMisbehave(t *testing.T) {
	bubble(t, Options{People: 11, Still: true}, func(t *testing.T, c *Company) {
		anna := c.play(t, "anna.albers@contoso.test")
		defer anna.conn.Close() //nolint
		for i, w := range []struct {
			conduct string
			code    int
			takes   time.Duration
		}{
			{"slow 2s", 200, 2 * time.Second}, {"refusing 486", 486, 0}, {"refusing 603", 603, 0}, {"refusing 404", 404, 0},
			{"absent", 202, 0}, {"normal", 200, 0}, {"slow 30s", 202, answerTime}, {"absent", 202, 0}, {"normal", 200, 0},
		} {
			do(t, c, "client bruno.berg "+w.conduct)
			began := time.Now()
			if code := anna.say("bruno.berg@contoso.test", fmt.Sprint("text ", i)); code != w.code || time.Since(began).Round(time.Second) != w.takes {
				t.Errorf("%s: %d after %v", w.conduct, code, time.Since(began))
			}
			time.Sleep(time.Second) // what was kept is on its way
		}
		got := map[string]int{}
		for _, l := range letters(t, c, "bruno.berg") {
			got[l.Text] += l.Count
		}
		// The slow one had it when the server gave up, and got its copy later.
		if fmt.Sprint(got) != "map[text 0:1 text 4:1 text 5:1 text 6:2 text 7:1 text 8:1]" {
			t.Errorf("got %v", got)
		}
		do(t, c, "client bruno.berg flapping 5s")
		seen := map[int]int{}
		time.Sleep(time.Second / 2)
		for range 20 {
			seen[anna.say("bruno.berg@contoso.test", "there?")]++
			time.Sleep(time.Second)
		}
		if seen[200] != 10 || seen[202] != 10 {
			t.Errorf("flapping: %v", seen)
		}
		bruno := c.play(t, "bruno.berg@contoso.test")
		time.Sleep(time.Minute)
		if err := bruno.conn.Err(); err != nil {
			t.Error(err)
		}
		if who := do(t, c, "who"); !strings.Contains(who, `"real":["sip:anna.albers@contoso.test","sip:bruno.berg@contoso.test"]`) {
			t.Errorf("who came for real: %s", who)
		}
		bruno.conn.Close()
	})
}

// The filter refuses texts in every wrapping, offers of files, and nothing else;
// what it says is for people.
func TestFilter(t *testing.T) {
	bubble(t, Options{People: 11, Still: true, Filter: []string{"HTTP://"}}, func(t *testing.T, c *Company) {
		anna := c.play(t, "anna.albers@contoso.test")
		defer anna.conn.Close() //nolint
		ask := func(method, kind, body string) string {
			r, err := anna.conn.NewRequest(method, "bruno.berg@contoso.test", sipconn.Body{Type: kind, Content: []byte(body)})
			if err != nil {
				t.Fatal(err)
			}
			res, _ := anna.conn.Do(t.Context(), r, nil)
			if res == nil {
				t.Fatal("no answer")
			}
			h := ""
			if w := res.GetHeader("Warning"); w != nil {
				h = " " + w.Value()
			}
			return fmt.Sprint(res.StatusCode, h)
		}
		const offer = "v=0\r\nm=message 9 TCP/MSRP *\r\na=file-selector:name:\"a.txt\" type:text/plain size:4\r\n"
		refused := `606 399 contoso.test "messages with 'http://' are not allowed here"`
		for _, step := range []struct{ command, method, kind, body, want string }{
			{"", "MESSAGE", "text/plain", "see Http://example.com", refused},
			{"", "MESSAGE", "message/cpim", "From: <sip:a@b>\r\n\r\nContent-Type: text/plain\r\n\r\nhttp://x", refused},
			{"", "MESSAGE", "text/plain", "see example.com", "200"},
			{"", "MESSAGE", "application/im-iscomposing+xml", `<isComposing xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/>`, "200"},
			{"", "INVITE", "application/sdp", offer, "488"},
			{"filter files", "INVITE", "application/sdp", offer, `606 399 contoso.test "files cannot be sent here"`},
			{"filter add Project \"X\"", "MESSAGE", "text/plain", `project "x" starts`, `606 399 contoso.test "messages with 'project \\'x\\'' are not allowed here"`},
			{"filter clear", "MESSAGE", "text/plain", `see http://example.com of project "x"`, "200"},
		} {
			if step.command != "" {
				do(t, c, step.command)
			}
			if got := ask(step.method, step.kind, step.body); got != step.want {
				t.Errorf("%s %s: %s, want %s", step.method, step.body, got, step.want)
			}
		}
	})
}

// Clients of the lab send the receipts that are asked for: delivered at once,
// displayed when their user looks, and only once.
func TestReceiptsOfSimulatedPeople(t *testing.T) {
	bubble(t, Options{People: 11}, func(t *testing.T, c *Company) {
		anna := c.play(t, "anna.albers@contoso.test")
		defer anna.conn.Close() //nolint
		const wrapped = "From: <sip:anna.albers@contoso.test>\r\nTo: <sip:bruno.berg@contoso.test>\r\nNS: imdn <urn:ietf:params:imdn>\r\n" +
			"imdn.Message-ID: m1\r\nimdn.Disposition-Notification: positive-delivery, display\r\n\r\nContent-Type: text/plain\r\n\r\nLunch?"
		do(t, c, "client bruno.berg normal")
		for range 2 {
			r, err := anna.conn.NewRequest("MESSAGE", "bruno.berg@contoso.test", sipconn.Body{Type: "message/cpim", Content: []byte(wrapped)})
			if err != nil {
				t.Fatal(err)
			}
			if res, err := anna.conn.Do(t.Context(), r, nil); err != nil || res.StatusCode != 200 {
				t.Fatal(err)
			}
		}
		for _, want := range [][]string{
			{"Content-Type: message/imdn+xml", "<message-id>m1</message-id>", "<delivered"},
			{"<message-id>m1</message-id>", "<displayed"},
			{"<state>active</state>"},
			{"MESSAGE "},
		} {
			m := anna.hear(t)
			for _, part := range want {
				if !strings.Contains(m, part) {
					t.Errorf("%q lacks %q", m, part)
				}
			}
		}
		if l := letters(t, c, "bruno.berg"); len(l) != 1 || l[0].ID != "m1" || l[0].Text != "Lunch?" || l[0].Count != 2 {
			t.Errorf("inbox %+v", l)
		}
	})
}
