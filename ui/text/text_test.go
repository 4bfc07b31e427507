package text

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"communicator/calendar"
	"communicator/contacts"
	"communicator/im"
	"communicator/lab"
	"communicator/session"
)

// terminal is somebody at a text client that is signed in to a lab, in fake
// time.
type terminal struct {
	t       *testing.T
	company *lab.Company
	who     lab.Person
	keys    *io.PipeWriter
	events  chan any

	mu   sync.Mutex
	said bytes.Buffer
}

func (m *terminal) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.said.Write(b)
}

// atTerminal runs a test at a terminal; the client must end by itself after body.
func atTerminal(t *testing.T, body func(m *terminal)) {
	synctest.Test(t, func(t *testing.T) {
		company, err := lab.New(lab.Options{People: 40, Still: true})
		if err != nil {
			t.Fatal(err)
		}
		defer company.Close()
		in, keys := io.Pipe()
		events := make(chan any, 10000)
		m := &terminal{t: t, company: company, who: company.Newcomer(), keys: keys, events: events}
		s := session.New(session.Options{
			User: m.who.User, Password: func() (string, error) { return m.who.Password, nil },
			Resolver: company.Resolver(), Roots: company.Roots(), Dial: company.Dial, Notify: func(e any) { events <- e },
		})
		ctx, cancel := context.WithCancel(t.Context())
		running, ended := make(chan error, 1), make(chan error, 1)
		go func() { running <- s.Run(ctx) }()
		go func() {
			ended <- Run(ctx, s, Streams{In: in, Out: m, Events: func(yield func(any) bool) {
				for e := range events {
					if !yield(e) {
						return
					}
				}
			}})
		}()
		m.read(time.Second)
		body(m)
		m.types("quit")
		if err := <-ended; err != nil {
			t.Errorf("the client ends with %v", err)
		}
		_ = in.Close()
		cancel()
		<-running
		close(events)
	})
}

// read returns what was said since the last time, after some time has passed.
func (m *terminal) read(after time.Duration) string {
	time.Sleep(after)
	synctest.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	text := m.said.String()
	m.said.Reset()
	return text
}

// types types a line and returns what came of it.
func (m *terminal) types(line string) string {
	m.t.Helper()
	if _, err := io.WriteString(m.keys, line+"\n"); err != nil {
		m.t.Fatalf("%s: %v", line, err)
	}
	return m.read(time.Second)
}

// expect fails unless the answer to a line has all of this.
func (m *terminal) expect(line string, want ...string) {
	m.t.Helper()
	got := m.types(line)
	for _, w := range want {
		if !strings.Contains(got, w) {
			m.t.Errorf("%s: %q is missing in\n%s", line, w, got)
		}
	}
}

func TestTextClient(t *testing.T) {
	atTerminal(t, func(m *terminal) {
		bruno := "bruno.berg@contoso.test"
		m.expect("help", "list [GROUP]", "msg NAME: TEXT", "quit")
		m.expect("list", "My direct reports, 4/5\n", "  Bruno Berg, Available, “On site in Lyon, back Monday”\n", "My manager, 1/1\n")
		m.expect("list my manager", "My manager, 1/1", "Chen Dahl, In a meeting")
		m.expect("list nothing", "There is no group \"nothing\".")
		m.expect("who dina", "Dina Costa, dina.costa@contoso.test, In a call")
		m.expect("who", "Say it like this: who NAME")
		m.expect("msg bruno: Do you have the numbers?", "To Bruno Berg: delivered.")
		if box := m.company.Do("inbox " + bruno); !strings.Contains(box, "Do you have the numbers?") {
			t.Errorf("Bruno has %s", box)
		}
		m.company.Do("say " + bruno + " " + m.who.User + " Morning, Anna")
		if got := m.read(time.Second); got != "Message from Bruno Berg: Morning, Anna\n" {
			t.Errorf("got %q", got)
		}
		m.expect("say Thanks", "To Bruno Berg: delivered.")
		m.expect("read", "Today, 1 January\n", " You: Do you have the numbers? (delivered)\n", " Bruno Berg: Morning, Anna\n", " You: Thanks (delivered)\n")
		m.company.Do("state " + bruno + " busy In a workshop")
		if got := m.read(time.Second); got != "Bruno Berg: Busy, “In a workshop”\n" {
			t.Errorf("a change of state reads %q", got)
		}
		m.expect("group my direct reports: The office closes at 16:00", "Sending to 5 people.", "4 delivered · 1 offline, get it at next sign-in.")
		m.expect("status busy", "Others see: Busy")
		m.expect("note In Lyon", "Others see: Busy, “In Lyon”")
		m.expect("status", "Others see: Busy, “In Lyon”")
		m.expect("status asleep", "Say it like this: status [STATE]")
		m.expect("find chen", "Chen Dahl, chen.dahl@contoso.test")
		m.expect("org", "Manager: Chen Dahl", "Direct reports: 5", "  Bruno Berg")
		m.expect("msg nobody.there@contoso.test: Hello", "Not delivered to nobody.there@contoso.test: address unknown (404).")
		m.expect("msg a: Hello", "can mean several people", "Write more of the name, or the address.")
		m.expect("msg qqq: Hello", "Nobody called \"qqq\" was found.")
		m.expect("add bruno to Lyon", "Bruno Berg is now in Lyon.")
		m.expect("list lyon", "Lyon, 1/1")
		m.expect("dance", `There is no command "dance".`)
		m.expect("")
	})
}

func TestTextClientSaysThatTheConnectionIsLost(t *testing.T) {
	atTerminal(t, func(m *terminal) {
		m.company.Do("stop-front-end 1")
		m.company.Do("stop-front-end 2")
		if got := m.read(10 * time.Second); !strings.Contains(got, "The connection to the server was lost.") {
			t.Errorf("got %q", got)
		}
		m.expect("list my manager", "My manager, –/1", "Status unknown")
		m.company.Do("start-front-end 1")
		m.company.Do("start-front-end 2")
		if got := m.read(3 * time.Minute); !strings.Contains(got, "Signed in as "+m.who.User) {
			t.Errorf("got %q", got)
		}
	})
}

func TestTextClientStartsByBeingUseful(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session.New(session.Options{User: "anna@contoso.test"})
		var out bytes.Buffer
		err := Run(t.Context(), s, Streams{In: strings.NewReader(strings.Repeat("x", maxLine+1)), Out: &out, Events: func(func(any) bool) {}})
		if err == nil || !strings.Contains(err.Error(), "longer than") {
			t.Errorf("a line without end: %v", err)
		}
		if !strings.Contains(out.String(), "Type help for the commands") {
			t.Errorf("on start it says %q", out.String())
		}
	})
}

// Who asks is said; who may look comes and goes in silence. What is decided is
// said, and who was waited for is told of once.
func TestTextClientSaysWhoAsks(t *testing.T) {
	atTerminal(t, func(m *terminal) {
		m.read(0)
		for _, status := range []string{"active", "terminated", "pending"} {
			m.events <- session.WatcherChanged{User: "eve@fabrikam.test", Name: "Eve", Status: status}
		}
		m.events <- session.WatcherAsks{User: "eve@fabrikam.test", Name: "Eve"}
		if got, want := m.read(time.Second), "Eve (eve@fabrikam.test) wants to see your state. Say allow, limit or block, and the name.\n"; got != want {
			t.Errorf("said %q, want %q", got, want)
		}
		m.expect("block eve@fabrikam.test", "Eve is blocked")
		m.expect("allow Bruno Berg", "Bruno Berg may see your state.")
		m.company.Do("state bruno.berg busy")
		m.read(time.Second)
		m.expect("tell Bruno Berg", "You will be told when Bruno Berg is available.")
		m.company.Do("state bruno.berg available")
		if got := m.read(time.Second); strings.Count(got, "Bruno Berg is available now.") != 1 {
			t.Errorf("said %q", got)
		}
	})
}

// What others write cannot pass for what the client says.
func TestTextClientIndentsWhatGoesOn(t *testing.T) {
	atTerminal(t, func(m *terminal) {
		m.read(0)
		m.events <- im.Received{Message: im.Message{From: "bruno.berg@contoso.test", Text: "Hi\nChen Dahl: Available"}}
		if got, want := m.read(time.Second), "Hi\n    Chen Dahl: Available\n"; !strings.Contains(got, want) {
			t.Errorf("said %q, want %q", got, want)
		}
		m.expect("note Back at 3", "“Back at 3”")
	})
}

// What happens to the list and the calendar is said in words, once.
func TestTextClientSaysWhatIsDoubtful(t *testing.T) {
	atTerminal(t, func(m *terminal) {
		m.expect("add Dina Costa to Harbour", "Dina Costa is now in Harbour.")
		m.expect("undo", "No former version of the contact list is kept") // this client keeps nothing
		m.expect("keep", "That did not work: keep.")
		m.read(time.Second)
		m.events <- session.ContactsDoubt{Doubt: contacts.Doubt{Loss: contacts.Loss{Before: 12}}}
		if got := m.read(time.Second); !strings.Contains(got, "it had 12 people. Say keep") {
			t.Errorf("said %q", got)
		}
		broken := session.CalendarChanged{State: calendar.State{Err: &calendar.Error{What: "The calendar does not answer", Why: "it is off", Remedy: "Wait"}}}
		m.events <- broken
		m.events <- broken
		m.events <- session.CalendarChanged{}
		if got := m.read(time.Second); strings.Count(got, "it is off") > 1 || !strings.Contains(got, "Your calendar can be read again.") {
			t.Errorf("said %q", got)
		}
	})
}

// A server that is away for a minute: what is heard
// is that it is away, what waits, that it is back, and who has changed.
func TestLostConnection(t *testing.T) {
	atTerminal(t, func(m *terminal) {
		m.company.Do("stop-front-end all")
		lost := m.read(20 * time.Second)
		for _, once := range []string{"The connection to the server was lost.", "It is tried again by itself."} {
			if strings.Count(lost, once) != 1 {
				t.Errorf("%q is not said once in\n%s", once, lost)
			}
		}
		if lines := strings.Count(lost, "\n"); lines > 3 {
			t.Errorf("%d lines when the connection is lost:\n%s", lines, lost)
		}
		m.expect("msg bruno: Are you there?", "To Bruno Berg: waits here until you are connected.")
		m.company.Do("start-front-end all")
		back := m.read(time.Minute)
		for _, want := range []string{"Signed in as ", "To Bruno Berg: delivered."} {
			if strings.Count(back, want) != 1 {
				t.Errorf("%q is not said once in\n%s", want, back)
			}
		}
		if strings.Contains(back, "Status unknown") || strings.Count(back, "\n") > 4 {
			t.Errorf("what was not asked for is said:\n%s", back)
		}
	})
}

// What was written three minutes before the connection is back is not sent
// unasked, and not said to wait any more.
func TestWaitedTooLong(t *testing.T) {
	atTerminal(t, func(m *terminal) {
		m.company.Do("stop-front-end all")
		m.read(20 * time.Second)
		m.expect("msg bruno: Lunch now?", "waits here until you are connected.")
		m.read(3 * time.Minute)
		m.company.Do("start-front-end all")
		back := m.read(3 * time.Minute)
		for _, want := range []string{"has waited too long to be sent unasked. Write it again if it still matters: Lunch now?\n", "Not delivered to Bruno Berg: "} {
			if strings.Count(back, want) != 1 {
				t.Errorf("%q is not said once in\n%s", want, back)
			}
		}
		if box := m.company.Do("inbox bruno.berg@contoso.test"); strings.Contains(box, "Lunch now?") {
			t.Errorf("Bruno has %s", box)
		}
	})
}

// Somebody unknown writes two lines: both can be read before he is let in.
func TestRequests(t *testing.T) {
	atTerminal(t, func(m *terminal) {
		his := m.company.Administrator() // is not in the directory
		s := session.New(session.Options{
			User: his.User, Password: func() (string, error) { return his.Password, nil },
			Resolver: m.company.Resolver(), Roots: m.company.Roots(), Dial: m.company.Dial,
		})
		ctx, cancel := context.WithCancel(m.t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		defer func() { cancel(); <-ended }()
		if err := s.SignedIn(ctx); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"Hello", "Who are you?"} {
			if _, err := s.IM.With(m.who.User).Send(ctx, text); err != nil {
				t.Fatal(err)
			}
		}
		m.read(2 * time.Second)
		got := m.types("requests")
		if !strings.Contains(got, "2 messages:\n  Hello\n  Who are you?\n") || strings.Count(got, his.User) != 1 {
			t.Errorf("requests reads\n%s", got)
		}
		m.expect("accept nobody@contoso.test", "No request is from \"nobody@contoso.test\".")
		m.expect("accept "+his.User, "What they write comes to you from now on.")
		m.expect("requests", "Nothing waits.")
	})
}
