//go:build interop

package interop

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"communicator/im"
	"communicator/session"
)

const togetherHead = "| who | does | is told | Alice | Mary | Kate | Dave | Carol (linphonec) | Bob (baresip) |\n|---|---|---|---|---|---|---|---|---|\n"

// TestTogether plays one conversation that everyone sees at Kamailio, among our
// clients, linphonec and baresip, and fails when the table in docs/interop.md says
// otherwise. WRITE_TABLE=1 writes what is seen into it.
func TestTogether(t *testing.T) {
	at := startPool(t).place()
	c := &circle{t: t, at: at, ours: map[string]*client{}, read: map[string]int{}}
	c.baresip = startBaresip(t, at, bob, alice)
	c.baresip.expect(0, regexp.QuoteMeta(bob)+`: .*200 OK.*binding`)
	c.linphone = startLinphone(t, at, carol)
	c.linphone.expect(0, `to \[LinphoneRegistrationOk\]`)
	for _, who := range []string{alice, colleague, dave} {
		c.ours[who] = at.signIn(t, who)
	}
	said := readTable(t, togetherHead)
	var lines []string
	for i, a := range c.acts() {
		want := ""
		if i < len(said) {
			want = said[i]
		}
		lines = append(lines, c.play(a, want))
	}
	compareTable(t, togetherHead, said, lines)
}

// circle is the people of the conversation with their programs.
type circle struct {
	t        *testing.T
	at       place
	ours     map[string]*client // of those who are signed in
	linphone *program
	baresip  *baresip
	key      string
	read     map[string]int // by user: how much of the program's output is in the table
}

// act is one line of the table.
type act struct {
	user, does string
	do         func() []im.Delivery
}

func (c *circle) acts() []act {
	say := func(user, text string) act {
		return act{user, "“" + text + "”", func() []im.Delivery {
			m, err := c.talk(user).Send(within(c.t), text)
			if err != nil {
				c.t.Fatalf("%s: %v; sees %q", user, err, c.ours[user].lines())
			}
			return m.Delivered
		}}
	}
	change := func(user, does string, f func(*im.Conversation) error) act {
		return act{user, does, func() []im.Delivery {
			if err := f(c.talk(user)); err != nil {
				c.t.Fatal(err)
			}
			all := c.talk(user).Messages()
			return all[len(all)-1].Delivered
		}}
	}
	return []act{
		{alice, "begins “Lunch” with Mary, Kate, Carol and Bob: “Hungry?”", func() []im.Delivery {
			talk := c.ours[alice].IM.Together("Lunch", colleague, kate, carol, bob)
			c.key = talk.Key()
			return say(alice, "Hungry?").do()
		}},
		say(colleague, "Very"),
		{kate, "signs in", func() []im.Delivery { c.ours[kate] = c.at.signIn(c.t, kate); return nil }},
		say(kate, "At noon?"),
		{carol, "answers Alice: “I come”", func() []im.Delivery { c.linphone.tell("chat sip:%s I come", alice); return nil }},
		{bob, "answers Alice: “Me too”", func() []im.Delivery { c.baresip.do("message", "Me too"); return nil }},
		change(colleague, "adds Dave", func(talk *im.Conversation) error { return talk.Add(within(c.t), dave) }),
		say(dave, "Where?"),
		change(kate, "names it “Lunch at one”", func(talk *im.Conversation) error { return talk.Rename(within(c.t), "Lunch at one") }),
		change(alice, "leaves", func(talk *im.Conversation) error { return talk.Leave(within(c.t)) }),
		{colleague, "signs out", func() []im.Delivery { c.ours[colleague].stop(); return nil }},
		say(dave, "Canteen"), // kept in parts: Mary's program has shown that it takes them
		{colleague, "signs in again", func() []im.Delivery {
			before := c.ours[colleague]
			c.ours[colleague] = c.at.signIn(c.t, colleague, func(o *session.Options) { o.Dir = before.dir })
			c.read[colleague] = 0
			return nil
		}},
	}
}

func (c *circle) talk(user string) *im.Conversation {
	return c.ours[user].IM.Joint(im.Group{ID: strings.TrimPrefix(c.key, "group:")})
}

// play does what a line says and returns it with what everybody has seen of it.
func (c *circle) play(a act, want string) string {
	told := "·"
	if d := a.do(); d != nil {
		told = inTable(d)
	}
	if os.Getenv("WRITE_TABLE") != "" {
		time.Sleep(5 * time.Second) // nothing tells that this is all
	}
	line := fmt.Sprintf("| %s | %s | %s |", given(a.user), a.does, told)
	cells := strings.Split(strings.TrimSuffix(want, " |"), " | ")
	for i, user := range []string{alice, colleague, kate, dave, carol, bob} {
		expected := ""
		if len(cells) == 9 && os.Getenv("WRITE_TABLE") == "" {
			expected = cells[3+i]
		}
		line += " " + c.sees(user, expected) + " |"
	}
	return line
}

// given is somebody's given name.
func given(user string) string {
	name, _, _ := strings.Cut(user, "@")
	return strings.ToUpper(name[:1]) + name[1:]
}

// inTable says what became of a message.
func inTable(all []im.Delivery) string {
	var words []string
	for _, d := range all {
		w := string(d.State)
		if d.Plain {
			w += " as plain text"
		}
		words = append(words, given(d.To)+": "+w)
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// sees waits until somebody's program shows what is expected beyond what is in
// the table already, and returns what it shows then or at last.
func (c *circle) sees(user, expected string) string {
	show, news := c.screen(user)
	late := time.After(patience / 4)
	for {
		changed := news()
		lines := show()
		cell := strings.Join(lines[c.read[user]:], "<br>")
		if cell == "" {
			cell = "·"
		}
		if expected == "" || cell == expected {
			c.read[user] = len(lines)
			return cell
		}
		select {
		case <-changed:
		case <-late:
			c.read[user] = len(lines)
			c.t.Errorf("%s sees %q, expected %q", user, cell, expected)
			return cell
		}
	}
}

// screen is what somebody's program has shown so far.
func (c *circle) screen(user string) (show func() []string, news func() <-chan struct{}) {
	switch {
	case user == carol:
		return func() []string {
			return messages(c.linphone, `^(?:linphonec> )?Message received from sip:([^ ]*): (.*)`, `^(\d{4}-\d\d-\d\d |linphonec>|$)`)
		}, c.linphone.news
	case user == bob:
		return func() []string { return messages(c.baresip.program, `sip:([^ ]*): "(.*)`, `^$`) }, c.baresip.news
	case c.ours[user] == nil:
		return func() []string { return nil }, func() <-chan struct{} { return nil }
	}
	return c.ours[user].lines, c.ours[user].news
}

// messages are the messages that a program has printed; their further lines go on
// until one that matches end, or a quote ends them.
func messages(p *program, begin, end string) (all []string) {
	first, last := regexp.MustCompile(begin), regexp.MustCompile(end)
	p.mu.Lock()
	defer p.mu.Unlock()
	open := false
	for _, l := range p.lines {
		m := first.FindStringSubmatch(l)
		switch {
		case m != nil:
			from, _, _ := strings.Cut(m[1], "@")
			all, open = append(all, given(from)+": “"+strings.TrimSpace(m[2])), true
		case open && !last.MatchString(l):
			all[len(all)-1] += " / " + strings.TrimSpace(l)
		case open:
			open = false
		}
		if open && strings.HasSuffix(strings.TrimSpace(l), `"`) {
			open = false
		}
	}
	for i := range all {
		all[i] = strings.TrimSuffix(all[i], `"`) + "”"
	}
	return all
}

// lines are the messages that our client has shown.
func (c *client) lines() (all []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.events {
		r, is := e.(im.Received)
		if !is {
			continue
		}
		m := r.Message
		line := given(m.From) + ": “" + m.Text + "”"
		switch {
		case m.Notice != "":
			line = "*" + m.Text + "*"
		case m.Group == nil:
			line += " (in their talk of two)"
		}
		if m.Stored {
			line += " (late)"
		}
		all = append(all, line)
	}
	return all
}
