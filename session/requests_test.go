package session

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/contacts"
	"communicator/im"
	"communicator/lab"
)

// door is a server at which anybody's message can be handed in.
type door struct {
	t    *testing.T
	seen *recorder // first lines of what the client asked for
	in   chan string
	out  chan message
	n    int
}

func newDoor(t *testing.T, n *network) *door {
	d := &door{t: t, seen: &recorder{}, in: make(chan string, 1000), out: make(chan message, 1000)}
	n.listen["10.0.0.11:5060"] = func(p *peer) {
		done := make(chan struct{})
		defer close(done)
		go func() { // ends with the connection
			for {
				select {
				case text := <-d.in:
					_, _ = io.WriteString(p, text)
				case <-done:
					return
				}
			}
		}()
		for m := p.next(); m.text != ""; m = p.next() {
			first, _, _ := strings.Cut(m.text, "\r\n")
			switch m.method() {
			case "SIP/2.0":
				d.out <- m
				continue
			case "REGISTER":
				status, headers := accepting(m)
				p.reply(m, status, headers...)
			case "MESSAGE":
				p.reply(m, "200 OK")
			default:
				p.reply(m, "489 Bad Event")
			}
			d.seen.add(first + "\n" + m.text)
		}
	}
	return d
}

// message hands in a message and returns the answer.
func (d *door) message(from, text string, headers ...string) message {
	d.t.Helper()
	d.n++
	d.in <- fmt.Sprintf(strings.ReplaceAll(`MESSAGE sip:anna@10.0.0.1:40000;transport=tcp SIP/2.0
Via: SIP/2.0/TCP 10.0.0.11:5060;branch=z9hG4bKserver%d
Via: SIP/2.0/TCP 10.0.0.99:5060;branch=z9hG4bKclient%[1]d
From: <sip:%[2]s>;tag=b1
To: <sip:anna@contoso.test>
Call-ID: call-%[1]d
CSeq: 1 MESSAGE
Max-Forwards: 70
%[3]s
Content-Length: %[4]d

%[5]s`, "\n", "\r\n"), d.n, from, strings.Join(append(headers, "Content-Type: text/plain"), "\r\n"), len(text), text)
	m := <-d.out
	synctest.Wait() // what it brought has been told of
	return m
}

func (d *door) asked(what string) bool {
	d.seen.mu.Lock()
	defer d.seen.mu.Unlock()
	for _, s := range d.seen.list {
		if strings.Contains(s, what) {
			return true
		}
	}
	return false
}

// Five hundred strangers write. There is one notice, two hundred of them wait,
// the others are asked to come back, and nobody learns from a subscription that
// I am here.
func TestFiveHundredStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		d := newDoor(t, n)
		c := signedIn(t, n.options())
		time.Sleep(time.Minute)
		taken := 0
		for i := range 500 {
			switch m := d.message(fmt.Sprintf("s%d@spam%d.test", i, i%7), "Buy http://spam.test/"); {
			case strings.HasPrefix(m.text, "SIP/2.0 200 "):
				taken++
			case !strings.HasPrefix(m.text, "SIP/2.0 480 ") || m.header("Retry-After") != "3600":
				t.Fatal(m.text)
			}
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(30 * time.Second)
		if taken != 200 || len(c.Requests.List()) != 200 {
			t.Errorf("%d taken, %d wait", taken, len(c.Requests.List()))
		}
		if e := got[RequestsChanged](c); len(e) != 1 {
			t.Errorf("%d notices", len(e))
		}
		if all := c.IM.Conversations(); len(all) != 0 {
			t.Errorf("%d ordinary conversations", len(all))
		}
		for _, e := range got[im.Received](c) {
			if !e.Message.Request {
				t.Fatalf("no request: %+v", e.Message)
			}
		}
		if d.asked("spam") {
			t.Error("a stranger was asked for something")
		}
		time.Sleep(2 * time.Minute)
		if e := got[RequestsChanged](c); len(e) != 2 || len(e[1].Requests) != 200 || !e[1].Requests[0].Outside {
			t.Errorf("later %d notices", len(e))
		}
	})
}

// One stranger may say five things. Once accepted he is one who writes, also
// after the program was started again.
func TestAcceptAStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		d := newDoor(t, n)
		o := n.options()
		o.Dir = t.TempDir()
		c := signedIn(t, o)
		time.Sleep(time.Minute)
		for i := range 8 {
			m := d.message("sam@elsewhere.test", fmt.Sprint("line ", i))
			if want := map[bool]string{true: "SIP/2.0 200 ", false: "SIP/2.0 480 "}[i < 5]; !strings.HasPrefix(m.text, want) {
				t.Errorf("line %d: %s", i, m.text)
			}
		}
		waiting := c.Requests.List()
		if len(waiting) != 1 || len(waiting[0].Lines) != 5 || waiting[0].From != "sam@elsewhere.test" {
			t.Fatalf("%+v", waiting)
		}
		if err := c.Requests.Accept("sam@elsewhere.test"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if e := got[RequestsChanged](c); len(e) == 0 || len(e[len(e)-1].Requests) != 0 {
			t.Errorf("%+v", e)
		}
		if talks := c.IM.Conversations(); len(talks) != 1 || len(talks[0].Messages()) != 5 || talks[0].Messages()[0].Request {
			t.Error("not an ordinary conversation")
		}
		if !d.asked("SUBSCRIBE sip:sam@elsewhere.test") {
			t.Error("who was accepted is not watched")
		}
		if err := c.Requests.Accept("sam@elsewhere.test"); err == nil {
			t.Error("accepted twice")
		}
		for range 100 {
			if m := d.message("sam@elsewhere.test", "more"); !strings.HasPrefix(m.text, "SIP/2.0 200 ") {
				t.Fatal(m.text)
			}
		}
		d.message("tom@elsewhere.test", "hello")
		if err := c.Requests.Dismiss("tom@elsewhere.test"); err != nil || len(c.Requests.List()) != 0 {
			t.Error(err, "still waiting")
		}
		c.stop()
		<-c.done

		c = signedIn(t, o)
		for from, request := range map[string]bool{"sam@elsewhere.test": false, "tom@elsewhere.test": true, "contoso.test": false} {
			d.message(from, "again")
			if e := got[im.Received](c); len(e) == 0 || e[len(e)-1].Message.From != from || e[len(e)-1].Message.Request != request {
				t.Errorf("%s: %+v", from, e)
			}
		}
	})
}

// What waits still does after the program was started again, with the limits it
// had; what was put away, or moved out of the box, does not come back.
func TestRequestsOutliveTheProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		d := newDoor(t, n)
		o := n.options()
		o.Dir = t.TempDir()
		c := signedIn(t, o)
		for _, who := range []string{"sam", "tom", "eva"} {
			for i := range 3 {
				d.message(who+"@elsewhere.test", fmt.Sprint(who, " ", i))
			}
		}
		if err := errors.Join(c.Requests.Dismiss("tom@elsewhere.test"), c.Requests.Accept("eva@elsewhere.test")); err != nil {
			t.Fatal(err)
		}
		c.stop()
		<-c.done

		c = signedIn(t, o)
		synctest.Wait()
		all := c.Requests.List()
		if len(all) != 1 || len(all[0].Lines) != 3 || all[0].Lines[2].Text != "sam 2" || !all[0].Lines[0].Request {
			t.Fatalf("%+v", all)
		}
		if e := got[RequestsChanged](c); len(e) != 1 || len(got[im.Received](c)) != 0 {
			t.Errorf("told of %+v", e)
		}
		for i, want := range []string{"200", "200", "480"} {
			if m := d.message("sam@elsewhere.test", fmt.Sprint("more ", i)); !strings.HasPrefix(m.text, "SIP/2.0 "+want) {
				t.Errorf("line %d: %s", i, m.text)
			}
		}
		if lines := c.IM.With("eva@elsewhere.test").Messages(); len(lines) != 3 || lines[0].Request {
			t.Errorf("with eva: %+v", lines)
		}
		if lines := c.IM.With("tom@elsewhere.test").Messages(); len(lines) != 0 {
			t.Errorf("with tom: %+v", lines)
		}
		if err := c.Requests.Accept("sam@elsewhere.test"); err != nil {
			t.Fatal(err)
		}
		c.stop()
		<-c.done
		if c = signedIn(t, o); len(c.Requests.List()) != 0 || c.IM.With("sam@elsewhere.test").Messages()[0].Request {
			t.Error("what was accepted waits again")
		}
	})
}

// Who answers has accepted; a command that writes to somebody makes him known to
// the window of the same user.
func TestWhomIWroteTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		d := newDoor(t, n)
		o := n.options()
		o.Dir = t.TempDir()
		window := signedIn(t, o)
		d.message("sam@elsewhere.test", "hello")
		if _, err := window.IM.With("sam@elsewhere.test").Send(t.Context(), "who are you?"); err != nil {
			t.Fatal(err)
		}
		if len(window.Requests.List()) != 0 || window.IM.With("sam@elsewhere.test").Messages()[0].Request {
			t.Error("it still waits")
		}
		talk := window.IM.Together("Lunch", "sam@elsewhere.test")
		if _, err := talk.Send(t.Context(), "and here"); err != nil {
			t.Fatal(err)
		}
		if window.Requests.stranger(talk.Key(), "added@elsewhere.test") {
			t.Error("who is added where I have written waits")
		}
		window.stop()
		<-window.done
		o.Silent = true
		command := signedIn(t, o)
		if _, err := command.IM.With("tom@elsewhere.test").Send(t.Context(), "from a script"); err != nil {
			t.Fatal(err)
		}
		for i := range 50 { // a command takes everything, and says what it is
			m := d.message(fmt.Sprintf("u%d@elsewhere.test", i%2), "hi")
			if e := got[im.Received](command); !strings.HasPrefix(m.text, "SIP/2.0 200 ") || !e[len(e)-1].Message.Request {
				t.Fatalf("%+v", e)
			}
		}
		command.stop()
		<-command.done
		o.Silent = false
		window = signedIn(t, o)
		for _, from := range []string{"sam@elsewhere.test", "tom@elsewhere.test"} {
			d.message(from, "hello again")
		}
		for _, e := range got[im.Received](window) {
			if e.Message.Request {
				t.Errorf("%+v", e.Message)
			}
		}
	})
}

// A stranger who gets onto the contact list is told of as anybody who writes;
// one who is blocked is heard of no more.
func TestRequestsMoveByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		people := co.People()
		anna, sam, tom := co.Newcomer(), people[len(people)-1], people[len(people)-2]
		o := options(co, anna)
		o.Directory = "ldaps://nowhere.contoso.test:636" // nobody is in the address book
		a, s, b := signedIn(t, o), signedIn(t, options(co, sam)), signedIn(t, options(co, tom))
		time.Sleep(time.Minute)
		write := func(from *client, text string) im.Delivery {
			t.Helper()
			m, err := from.IM.With(anna.User).Send(t.Context(), text)
			if err != nil {
				t.Fatal(err)
			}
			return m.Delivered[0]
		}
		write(s, "Sam here")
		write(b, "Tom here")
		if len(a.Requests.List()) != 2 {
			t.Fatalf("%+v", a.Requests.List())
		}
		if err := a.Contacts.Edit(t.Context(), contacts.Edit{Op: contacts.Add, User: sam.User, Group: "Friends"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		e := got[im.Received](a)
		if last := e[len(e)-1].Message; len(e) != 3 || last.Request || last.Text != "Sam here" {
			t.Errorf("%+v", e)
		}
		if err := a.Requests.Block(t.Context(), tom.User); err != nil {
			t.Fatal(err)
		}
		if len(a.Requests.List()) != 0 || a.Contacts.AccessOf(tom.User) != contacts.Block {
			t.Errorf("%+v", a.Requests.List())
		}
		if d := write(b, "Tom again"); d.Code != 603 {
			t.Errorf("%+v", d)
		}
		if d := write(s, "Sam again"); d.State != im.Delivered {
			t.Errorf("%+v", d)
		}
	})
}

// Strangers who begin a conversation of several do not learn that I am here; once
// it is accepted they do, and all of them may write.
func TestRequestOfSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		people := co.People()
		anna, sam, tom := co.Newcomer(), people[len(people)-1], people[len(people)-2]
		o := options(co, anna)
		o.Directory = "ldaps://nowhere.contoso.test:636" // nobody is in the address book
		a, s, b := signedIn(t, o), signedIn(t, options(co, sam)), signedIn(t, options(co, tom))
		watched := func(c *client) bool {
			for _, w := range got[WatcherChanged](c) {
				if w.User == anna.User {
					return true
				}
			}
			return false
		}
		time.Sleep(time.Minute)
		talk := s.IM.Together("Lunch", anna.User, tom.User)
		if m, err := talk.Send(t.Context(), "Hello all"); err != nil || m.Delivered[0].State != im.Delivered {
			t.Fatalf("%+v, %v", m, err)
		}
		time.Sleep(time.Minute)
		waiting := a.Requests.List()
		if len(waiting) != 1 || waiting[0].From != sam.User || !strings.HasPrefix(waiting[0].With, "group:") || len(a.IM.Conversations()) != 0 {
			t.Fatalf("%+v", waiting)
		}
		if watched(s) || watched(b) {
			t.Error("strangers are watched")
		}
		if err := a.Requests.Accept(waiting[0].With); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if !watched(s) || !watched(b) {
			t.Error("who was accepted is not watched")
		}
		for _, c := range b.IM.Conversations() {
			if c.Shared() {
				if _, err := c.Send(t.Context(), "Hello Anna"); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(time.Second)
		e := got[im.Received](a)
		if last := e[len(e)-1].Message; last.Text != "Hello Anna" || last.Request {
			t.Errorf("%+v", last)
		}
	})
}
