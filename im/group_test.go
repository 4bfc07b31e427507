package im

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/lab"
	"communicator/wire/sipconn"
)

// listOf is a list of members as it stands in a body.
func listOf(attributes, title string, members ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?><resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists" `+
		`xmlns:cp="urn:ietf:params:xml:ns:copycontrol" xmlns:c="urn:uuid:4eb650b6-5700-551f-b38e-1a0830a84c78"><list %s>`, attributes)
	if title != "" {
		fmt.Fprintf(&b, "<display-name>%s</display-name>", title)
	}
	for _, m := range members {
		m, added := strings.CutPrefix(m, "+")
		fmt.Fprintf(&b, `<entry uri="sip:%s" cp:copyControl="to" c:added="%t"/>`, m, added)
	}
	return b.String() + "</list></resource-lists>"
}

// mixed is a body with a text and a list.
func mixed(first, text, list string) string {
	return first + "\r\n--b1\r\nContent-Type: text/plain;charset=UTF-8\r\n\r\n" + text + "\r\n--b1\r\n" +
		"Content-Type: application/resource-lists+xml\r\nContent-Disposition: recipient-list-history; handling=optional\r\n\r\n" + list + "\r\n--b1--\r\n"
}

const mixedType = `multipart/mixed;boundary="b1"`

// What a server passes on becomes a shared conversation with these people.
func TestSharedAsItComes(t *testing.T) {
	deflated := func(s string) string {
		var b bytes.Buffer
		z := zlib.NewWriter(&b)
		_, _ = z.Write([]byte(s))
		_ = z.Close()
		return strings.Replace(mixed("", "hi", base64.StdEncoding.EncodeToString(b.Bytes())), "optional\r\n",
			"optional\r\nContent-Encoding: deflate\r\nContent-Transfer-Encoding: base64\r\n", 1)
	}
	three := listOf(`name="g1"`, "Lunch", anna, bob, carol)
	for _, c := range []struct {
		name, kind string // kind: empty: in parts
		body       string
		headers    []string
		with       string // empty: any shared one; "-": refused
		members    []string
		text       string
	}{
		{name: "ours", body: mixed("", "hi", three), with: "group:g1", members: []string{bob, carol}, text: "hi"},
		{name: "compressed", body: deflated(three), with: "group:g1", members: []string{bob, carol}, text: "hi"},
		{name: "kept by msilo", body: mixed("[Offline message - Fri Dec 31 20:15:00 1999] ", "hi", three), headers: []string{"Date: Fri, 31 Dec 1999 20:15:00 GMT"},
			with: "group:g1", members: []string{bob, carol}, text: "hi"},
		{name: "in words", kind: `text/plain;charset=UTF-8;conversation="g1"`, body: "To: anna@contoso.test, carol@contoso.test\nSubject: Lunch\nhi", with: "group:g1", members: []string{bob, carol}, text: "hi"},
		{name: "in words, kept by msilo", kind: `text/plain;charset=UTF-8;conversation="g1"`, body: "[Offline message - Fri Dec 31 20:15:00 1999] To: anna@contoso.test, carol@contoso.test\r\nSubject: Lunch\r\nhi",
			headers: []string{"Date: Fri, 31 Dec 1999 20:15:00 GMT"}, with: "group:g1", members: []string{bob, carol}, text: "hi"},
		{name: "words for people", kind: "text/plain", body: "To: Carol\nhi", with: bob, members: []string{bob}, text: "To: Carol\nhi"},
		{name: "kept by msilo, which drops the boundary", kind: "multipart/mixed", body: strings.TrimPrefix(mixed("[Offline message - Fri Dec 31 20:15:00 1999] ", "hi", three), "x"),
			headers: []string{"Date: Fri, 31 Dec 1999 20:15:00 GMT"}, with: "group:g1", members: []string{bob, carol}, text: "hi"},
		{name: "cut off", body: strings.TrimSuffix(mixed("", "hi", three), "--b1--\r\n"), with: "-"},
		{name: "a server's list, blind copies and the unknown left out",
			body:    strings.Replace(mixed("", "hi", listOf("", "", anna, carol, dave, "anonymous@anonymous.invalid")), `dave@contoso.test" cp:copyControl="to"`, `dave@contoso.test" cp:copyControl="bcc"`, 1),
			members: []string{bob, carol}, text: "hi"},
		{name: "a server's list of two", body: mixed("", "hi", listOf("", "", anna)), with: bob, members: []string{bob}, text: "hi"},
		{name: "an optional list that cannot be read", body: mixed("", "hi", "<resource-lists"), with: bob, members: []string{bob}, text: "hi"},
		{name: "html", body: strings.Replace(mixed("", "<p>hi<script>x</script>", three), "text/plain", "text/html", 1), with: "group:g1", members: []string{bob, carol}, text: "hi"},
		{name: "cpim", body: strings.Replace(mixed("", "From: <im:eve@x>\r\n\r\nContent-Type: text/plain\r\n\r\nhi", three), "text/plain;charset=UTF-8", "message/cpim", 1),
			with: "group:g1", members: []string{bob, carol}, text: "hi"},
		{name: "a picture", body: strings.Replace(mixed("", "hi", three), "text/plain", "image/png", 1), with: "-"},
		{name: "deep", body: strings.Repeat("--b1\r\nContent-Type: "+mixedType+"\r\n\r\n", 100) + mixed("", "hi", three), with: "-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRecord()
				p := connect(t, r.line, r.Book)
				kind := cmp.Or(c.kind, mixedType)
				p.send(incoming("1@x", kind, c.body, c.headers...))
				got := p.next()
				if c.with == "-" {
					if !strings.HasPrefix(got.start, "SIP/2.0 415") || !strings.Contains(got.h.Get("Accept"), "multipart/mixed") {
						t.Errorf("answered %s, %s", got.start, got.h.Get("Accept"))
					}
					return
				}
				if got.start != "SIP/2.0 200 OK" {
					t.Fatalf("answered %s", got.start)
				}
				talk := r.Conversations()[0]
				m := talk.Messages()
				if len(m) != 1 || m[0].Text != c.text || m[0].From != bob || m[0].With != talk.Key() || m[0].Stored != (c.headers != nil) {
					t.Errorf("lines %+v", m)
				}
				if c.with != "" && talk.Key() != c.with || !slices.Equal(slices.Sorted(slices.Values(talk.Members())), c.members) {
					t.Errorf("with %s: %q", talk.Key(), talk.Members())
				}
				if c.with == "group:g1" && talk.Title() != "Lunch" {
					t.Errorf("title %q", talk.Title())
				}
				p.send(incoming("1@x", kind, c.body, c.headers...)) // once more, as by another front end
				p.next()
				if n := len(talk.Messages()); n != 1 {
					t.Errorf("%d lines", n)
				}
			})
		})
	}
}

// A name of a conversation opens it to nobody.
func TestStrangerNamesOurConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		ours := r.Joint(Group{ID: "g1", Title: "Board", Members: []string{anna, carol}})
		p.send(incoming("1@x", mixedType, mixed("", "let me in", listOf(`name="g1" c:notice="renamed"`, "Hacked", anna, bob, carol))))
		p.send(incoming("2@x", mixedType, mixed("", "please", listOf(`name="g1"`, "Board", anna, bob, carol))))
		p.next()
		p.next()
		if len(ours.Messages()) != 0 || ours.Title() != "Board" || !slices.Equal(ours.Members(), []string{carol}) {
			t.Errorf("ours has %+v, %q", ours.Messages(), ours.Members())
		}
		his := r.Conversations()[0]
		if n := len(his.Messages()); his == ours || n != 1 {
			t.Errorf("%s has %d lines", his.Key(), n)
		}
		p.send(incoming("3@x", mixedType, mixed("", "Anna added Bob.", listOf(`name="g1" c:notice="joined"`, "Board", anna, "+"+bob))))
		p.next()
		if len(ours.Messages()) != 0 {
			t.Errorf("he has added himself: %+v", ours.Messages())
		}
	})
}

// What goes to the server, and what a client that takes plain text gets instead.
func TestSharedAsTheServerSeesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		r.o.Name = func(user string) string { return map[string]string{bob: "Bob Berg"}[user] }
		p := connect(t, r.line, r.Book)
		p.options = []string{"Accept: text/plain, multipart/mixed, application/resource-lists+xml"}
		c := r.Together("Büro & Co", bob, carol)
		id := strings.TrimPrefix(c.Key(), "group:")
		done := sent(t.Context(), c, "Lunch?")
		var said Message
		for range 3 { // Carol's client takes plain text only
			m := p.next()
			if m.body == "To: Bob Berg\nLunch?" && m.h.Get("Content-Type") == "text/plain;charset=UTF-8" && m.h.Get("Cseq") == "2 MESSAGE" && m.h.Get("To") == "<sip:carol@contoso.test>" {
				p.answer(m, "200 OK")
				continue
			}
			boundary := strings.TrimPrefix(m.h.Get("Content-Type"), "multipart/mixed;boundary=")
			want := "--" + boundary + "\r\nContent-Type: text/plain;charset=UTF-8\r\n\r\nLunch?\r\n--" + boundary + "\r\n" +
				"Content-Type: application/resource-lists+xml\r\nContent-Disposition: recipient-list-history; handling=optional\r\n\r\n" +
				`<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
				`<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists" xmlns:cp="urn:ietf:params:xml:ns:copycontrol">` + "\n" +
				`<list name="` + id + `">` + "\n<display-name>Büro &amp; Co</display-name>\n" +
				`<entry uri="sip:anna@contoso.test" cp:copyControl="to"/>` + "\n" +
				`<entry uri="sip:bob@contoso.test" cp:copyControl="to"/>` + "\n" +
				`<entry uri="sip:carol@contoso.test" cp:copyControl="to"/>` + "\n" +
				"</list>\n</resource-lists>\n\r\n--" + boundary + "--\r\n"
			if m.body != want {
				t.Errorf("body\n%q, want\n%q", m.body, want)
			}
			if strings.HasPrefix(m.start, "MESSAGE sip:carol") {
				p.answer(m, "415 Unsupported Media Type", "Accept: text/plain")
			} else {
				p.answer(m, "200 OK")
			}
		}
		said = <-done
		for _, d := range said.Delivered {
			if d.State != Delivered || d.Plain != (d.To == carol) {
				t.Errorf("delivery %+v", d)
			}
		}
		done = sent(t.Context(), c, "At noon")
		for range 2 { // Carol's client is known now, and she knows the others
			m := p.next()
			if strings.HasPrefix(m.start, "MESSAGE sip:carol") && m.body != "At noon" {
				t.Errorf("second line: %+v", m)
			}
			p.answer(m, "200 OK")
		}
		<-done
		p.send(strings.ReplaceAll(incoming("7@x", "text/plain", "I come"), "bob@Contoso", "carol@contoso"))
		p.next()
		own, all := r.With(carol).Messages(), c.Messages()
		if len(own) != 1 || own[0].Text != "I come" {
			t.Errorf("with Carol alone: %+v", own)
		}
		if last := all[len(all)-1]; last.Notice != Aside || last.From != carol || len(all) != 3 {
			t.Errorf("in the conversation of all: %+v", last)
		}
	})
}

// 500 people fit into one MESSAGE with a text of some length.
func TestListOfFiveHundred(t *testing.T) {
	var people []string
	for i := range 499 {
		people = append(people, fmt.Sprintf("%x.%x@contoso.test", i*7919%6007, i*104729%9973))
	}
	r := newRecord()
	c := r.Together("Everybody", people...)
	_, err := c.sendable(strings.Repeat("x", MaxText))
	long, is := err.(*TooLongError)
	if !is || long.Max < 4000 {
		t.Fatalf("%+v", err)
	}
	g := c.circle.group()
	body := withList(sipconn.Text("x"), Message{Group: g}.list())
	s := readBody(body.Type, "", body.Content).list
	if s == nil || len(s.clean().list) != 500 || s.title != "Everybody" {
		t.Errorf("read back: %+v", s)
	}
	if _, err := r.Together("", append(people, "one@contoso.test", "two@contoso.test")...).Send(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "at most 500") {
		t.Errorf("502 people: %v", err)
	}
	if err := c.Add(t.Context(), "one@contoso.test", "two@contoso.test"); err == nil || !strings.Contains(err.Error(), "at most 500") {
		t.Errorf("two more: %v", err)
	}
	if err := r.With(bob).Add(t.Context(), carol); err == nil {
		t.Error("people are added to a talk of two")
	}
}

// guest is somebody of the lab in a story.
type guest struct {
	*record
	me string
}

// reads is what stands in a conversation, oneself as "I".
func (g guest) reads(key string) (lines []string) {
	for _, c := range g.Conversations() {
		if c.Key() != key {
			continue
		}
		for _, m := range c.Messages() {
			who, _, _ := strings.Cut(m.From, "@")
			if m.From == g.me {
				who = "I"
			}
			if m.Notice != "" {
				who = m.Notice
			}
			lines = append(lines, who+": "+m.Text)
		}
	}
	return lines
}

// A conversation of four in the lab, with one who is away, one who is added and
// one who leaves: what each of them has on the screen at the end.
func TestTogetherInTheLab(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := lab.New(lab.Options{People: 20, Still: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		people := c.People()
		who := func(i int) string { return people[i].User }
		first := func(i int) string { name, _, _ := strings.Cut(who(i), "@"); return name }
		come := func(i int) guest {
			r, leave := signIn(t, c, people[i], fmt.Sprintf("fe%d.contoso.test:5061", 1+i%2))
			t.Cleanup(leave)
			return guest{r, who(i)}
		}
		for i := range 4 {
			c.Do("signout " + who(i)) // its own clients know nothing of this
		}
		one, two, late := come(0), come(1), come(3)
		say := func(g guest, c *Conversation, text string) Message {
			m, err := c.Send(context.Background(), text)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return m
		}
		talk := one.Together("Lunch", who(1), who(2))
		m := say(one, talk, "Hungry?")
		if m.Delivered[0].State != Delivered || m.Delivered[1].State != Accepted {
			t.Errorf("deliveries %+v", m.Delivered)
		}
		at := func(g guest) *Conversation { return g.Joint(Group{ID: strings.TrimPrefix(talk.Key(), "group:")}) }
		say(two, at(two), "Very")
		if err := at(two).Add(t.Context(), who(3)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		say(late, at(late), "Me too")
		time.Sleep(time.Minute)
		three := come(2) // was away
		synctest.Wait()
		say(three, at(three), "Where?")
		if err := talk.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := at(late).Rename(t.Context(), "Dinner"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		say(two, at(two), "Here")
		left := ": " + first(0) + " left the conversation."
		for _, g := range []struct {
			guest
			want []string
		}{
			{one, []string{"I: Hungry?", first(1) + ": Very", "joined: " + first(1) + " added " + first(3) + ".", first(3) + ": Me too", first(2) + ": Where?", "left" + left}},
			{two, []string{first(0) + ": Hungry?", "I: Very", "joined: " + first(1) + " added " + first(3) + ".", first(3) + ": Me too", first(2) + ": Where?", "left" + left,
				"renamed: " + first(3) + " named the conversation “Dinner”.", "I: Here"}},
			{three, []string{first(0) + ": Hungry?", first(1) + ": Very", "joined: " + first(1) + " added " + first(3) + ".", first(3) + ": Me too", "I: Where?", "left" + left,
				"renamed: " + first(3) + " named the conversation “Dinner”.", first(1) + ": Here"}},
			{late, []string{"joined: " + first(1) + " added you to “Lunch”. " + first(0) + " and " + first(2) + " are in it. You see what is written from now on.", "I: Me too", first(2) + ": Where?", "left" + left,
				"renamed: " + first(3) + " named the conversation “Dinner”.", first(1) + ": Here"}},
		} {
			if got := g.reads(talk.Key()); !slices.Equal(got, g.want) {
				t.Errorf("%s reads\n%s\nwant\n%s", g.me, strings.Join(got, "\n"), strings.Join(g.want, "\n"))
			}
		}
		if n := len(at(three).Members()); n != 2 || at(late).Title() != "Dinner" || talk.Title() != "Lunch" {
			t.Errorf("%d others, titles %q and %q", n, at(late).Title(), talk.Title())
		}
	})
}

// Somebody whom I have blocked is in it: I am told so, and do not read him.
func TestBlockedMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		r.o.Refuse = func(from string) (int, string) {
			if from == carol {
				return 603, "Decline"
			}
			return 0, ""
		}
		p := connect(t, r.line, r.Book)
		body := mixed("", "hi", listOf(`name="g1"`, "", anna, bob, carol))
		p.send(incoming("1@x", mixedType, body))
		p.next()
		p.send(strings.ReplaceAll(incoming("2@x", mixedType, body), "bob@Contoso", "carol@contoso"))
		if m := p.next(); !strings.HasPrefix(m.start, "SIP/2.0 603") {
			t.Errorf("answered %s", m.start)
		}
		p.send(incoming("3@x", mixedType, strings.Replace(body, "hi", "again", 1)))
		p.next()
		lines := r.Conversations()[0].Messages()
		if len(lines) != 3 || lines[0].Notice != Blocked || !strings.Contains(lines[0].Text, carol) || lines[2].Text != "again" {
			t.Errorf("lines %+v", lines)
		}
	})
}

func FuzzShared(f *testing.F) {
	f.Add("b1", []byte(mixed("", "hi", listOf(`name="g1" c:notice="joined"`, "Lunch", anna, "+"+bob))))
	f.Add("b1", []byte(mixed("[Offline message - x] ", "hi", listOf("", "", anna, bob, carol))))
	f.Add("b1", []byte(mixed("", "hi", string(said{id: "1", list: many(100)}.document()))))
	f.Fuzz(func(t *testing.T, boundary string, body []byte) {
		c := readBody(`multipart/mixed;boundary="`+boundary+`"`, "", body)
		if c.list == nil {
			return
		}
		got := c.list.clean().named(anna)
		r, _ := begin(got, anna)
		r.hear(got)
		if len(r.in) > MaxMembers || got.id == "" || strings.ContainsAny(got.title, "\x1b\n\u202e") {
			t.Errorf("%d members, id %q, title %q", len(r.in), got.id, got.title)
		}
	})
}

// What an earlier process stored is known again: who is in it, who has left, and
// who takes a list though he is away.
func TestSharedAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		g := func(members ...string) *Group { return &Group{ID: "g1", Title: "Lunch", Members: members} }
		r.o.Store.Newest = func(with string, before time.Time, n int) []Message {
			if with != "group:g1" || !before.IsZero() {
				return nil
			}
			return []Message{
				{ID: "1", With: with, From: bob, Text: "Hungry?", Group: g(anna, bob, carol, dave)},
				{ID: "2", With: with, From: dave, Text: "dave left", Notice: Left, Group: g(anna, bob, carol)},
			}
		}
		p := connect(t, r.line, r.Book)
		p.send(incoming("3@x", mixedType, mixed("", "hi", listOf(`name="g1"`, "Lunch", anna, bob, carol, dave))))
		p.next()
		c := r.Joint(Group{ID: "g1"})
		if !slices.Equal(c.Members(), []string{bob, carol}) || c.Title() != "Lunch" {
			t.Errorf("%q with %q", c.Title(), c.Members())
		}
		p.send(strings.ReplaceAll(incoming("4@x", mixedType, mixed("", "let me in", listOf(`name="g1"`, "", anna, eve))), "bob@Contoso", "eve@contoso"))
		p.next()
		if n := len(c.Messages()); n != 3 {
			t.Errorf("%d lines", n)
		}
		p.options = []string{"Accept: text/plain"}
		done := sent(t.Context(), c, "Noon")
		for range 2 {
			p.answer(p.next(), "202 Accepted")
		}
		if d := (<-done).Delivered; !d[0].Plain || !d[1].Plain {
			t.Errorf("they say that they take plain text only: %+v", d)
		}
	})
}

// Two add somebody at the same moment, in the lab: everybody hears of everybody,
// before anybody has written again.
func TestTwoAddAtTheSameMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := lab.New(lab.Options{People: 20, Still: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		people := c.People()
		var all []*record
		for i := range 5 {
			r, leave := signIn(t, c, people[i], fmt.Sprintf("fe%d.contoso.test:5061", 1+i%2))
			defer leave()
			all = append(all, r)
		}
		talk := all[0].Together("", people[1].User, people[2].User)
		if _, err := talk.Send(t.Context(), "hello"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		at := func(i int) *Conversation { return all[i].Joint(Group{ID: talk.circle.id}) }
		for i, c := range []*Conversation{at(0), at(1)} {
			go func() { _ = c.Add(t.Context(), people[3+i].User) }() // each sees below whom the other has added
		}
		synctest.Wait()
		time.Sleep(time.Minute)
		for i := range all {
			if n := len(at(i).Members()); n != 4 {
				t.Errorf("%s sees %d others: %q", people[i].User, n, at(i).Members())
			}
		}
	})
}

// Who writes to somebody who has left is told so by him, once.
func TestHasNotHeardThatILeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		p.options = []string{"Accept: text/plain, multipart/mixed, application/resource-lists+xml"}
		c := r.Joint(Group{ID: "g1", Members: []string{anna, bob, carol}})
		c.circle.leave(anna)
		p.send(incoming("1@x", mixedType, mixed("", "Anna?", listOf(`name="g1"`, "", anna, bob, carol))))
		p.next()
		m := p.next()
		if m.start != "MESSAGE sip:bob@contoso.test SIP/2.0" || m.h.Get("Content-Type") != "application/resource-lists+xml" ||
			!strings.Contains(m.body, `notice="left"`) || strings.Contains(m.body, anna) {
			t.Errorf("told is %+v", m)
		}
		p.answer(m, "200 OK")
		if last := c.Messages(); len(last) != 1 || last[0].Text != "Anna?" || !c.Gone() {
			t.Errorf("lines %+v", last)
		}
		p.send(incoming("2@x", "application/resource-lists+xml", listOf(`name="g1" c:notice="left"`, "", carol)))
		if got := p.next(); got.start != "SIP/2.0 200 OK" {
			t.Errorf("answered %s", got.start)
		}
		if !slices.Equal(c.Members(), []string{carol}) {
			t.Errorf("bob has left; members %q", c.Members())
		}
		synctest.Wait()
		p.quiet()
	})
}

// In a large conversation somebody who was away reads of some of the others only;
// when he answers, who began it tells him of all.
func TestAwayFromALargeConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := lab.New(lab.Options{People: 200, Still: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		people := c.People()
		c.Do("signout " + people[1].User)
		one, leave := signIn(t, c, people[0], "fe1.contoso.test:5061")
		defer leave()
		var others []string
		for _, p := range people[1:150] {
			others = append(others, p.User)
		}
		talk := one.Together("All", others...)
		if _, err := talk.Send(t.Context(), "hello"); err != nil {
			t.Fatal(err)
		}
		two, leave := signIn(t, c, people[1], "fe2.contoso.test:5061")
		defer leave()
		synctest.Wait()
		his := two.Joint(Group{ID: talk.circle.id})
		if n := len(his.Members()); n < 20 || n > 100 || his.Title() != "All" || his.Messages()[0].Text != "hello" {
			t.Fatalf("he sees %d others, %+v", n, his.Messages())
		}
		if _, err := his.Send(t.Context(), "I am back"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := len(his.Members()); n != 149 {
			t.Errorf("he sees %d others", n)
		}
	})
}
