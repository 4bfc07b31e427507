package simple

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"communicator/contacts"
	"communicator/lab"
	"communicator/presence"
	"communicator/wire/auth"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// employee is somebody of the lab who is signed in by hand.
type employee struct {
	*record
	conn  *sipconn.Conn
	web   *http.Client
	sent  atomic.Int32 // requests
	leave context.CancelFunc
}

// signIn registers somebody at the first front end and starts a Server.
func signIn(t *testing.T, c *lab.Company, who lab.Person, xcap string) *employee {
	t.Helper()
	nc, err := c.Dial(t.Context(), "tcp", "fe1.contoso.test:5061")
	if err != nil {
		t.Fatal(err)
	}
	secure := &tls.Config{RootCAs: c.Roots(), ServerName: "contoso.test"}
	tc := tls.Client(nc, secure)
	if err := tc.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	user, _, _ := strings.Cut(who.User, "@")
	account := func() *auth.Client {
		return auth.NewClient(user, "contoso.test", func() (string, error) { return who.Password, nil })
	}
	e := &employee{web: &http.Client{Transport: &http.Transport{DialContext: c.Dial, TLSClientConfig: &tls.Config{RootCAs: c.Roots()}}}}
	e.record = newRecord(Options{Self: who.User, XCAP: xcap, HTTP: e.web, Auth: account()})
	e.conn = sipconn.New(tc, sipconn.Options{Self: who.User, Auth: account(), Trace: func(sent bool, m string) {
		if sent && !strings.HasPrefix(m, "SIP/2.0") {
			e.sent.Add(1)
		}
	}})
	r, err := e.conn.NewRequest("REGISTER", "sip:contoso.test", sipconn.Body{})
	if err != nil {
		t.Fatal(err)
	}
	r.ReplaceHeader(&sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: user, Host: "contoso.test"}})
	r.AppendHeader(sip.NewHeader("Contact", "<"+e.conn.Contact()+">"))
	r.AppendHeader(sip.NewHeader("Expires", "600"))
	r.AppendHeader(sip.NewHeader("Supported", "path"))
	if _, err := e.conn.Do(t.Context(), r, nil); err != nil {
		t.Fatal(err)
	}
	e.line.Set(e.conn)
	ctx, leave := context.WithCancel(t.Context())
	e.leave = leave
	if err := e.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *employee) signOut() {
	e.leave()
	synctest.Wait()
	e.conn.Close()
	<-e.conn.Done()
	e.web.CloseIdleConnections()
}

// office runs f with a company under a fake clock.
func office(t *testing.T, people int, f func(t *testing.T, c *lab.Company)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c, err := lab.New(lab.Options{People: people, Still: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		f(t, c)
	})
}

const labXCAP = "https://xcap.contoso.test/xcap"

// Issue 2, Figures: with 200 contacts until all states are shown, at most 6
// transactions however many contacts.
func TestSignInWith200Contacts(t *testing.T) {
	office(t, 201, func(t *testing.T, c *lab.Company) {
		e := signIn(t, c, c.Newcomer(), labXCAP)
		defer e.signOut()
		var users []string
		for _, p := range c.People() {
			users = append(users, p.User)
		}
		watch(t, e.record, users...)
		if err := e.Publish(t.Context(), presence.State{Availability: presence.Available}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		e.mu.Lock()
		defer e.mu.Unlock()
		if len(e.latest) != len(users) {
			t.Errorf("%d of %d states", len(e.latest), len(users))
		}
		if n := e.sent.Load(); n > 6 {
			t.Errorf("%d requests", n) // REGISTER twice, PUBLISH, SUBSCRIBE
		} else {
			t.Logf("%d requests", n)
		}
		reachable := 0
		for _, s := range e.latest {
			if s.Reachable() {
				reachable++
			}
		}
		if reachable < 10 {
			t.Errorf("%d can be reached", reachable)
		}
	})
}

func TestSeenByOthers(t *testing.T) {
	for name, xcap := range map[string]string{"by list": labXCAP, "one by one": ""} {
		t.Run(name, func(t *testing.T) {
			office(t, 20, func(t *testing.T, c *lab.Company) {
				anna := signIn(t, c, c.Newcomer(), xcap)
				defer anna.signOut()
				boss := signIn(t, c, c.People()[0], xcap)
				defer boss.signOut()
				self := anna.o.Self
				watch(t, boss.record, self, "nobody@contoso.test")
				time.Sleep(3 * time.Second)
				for _, s := range []struct {
					p    presence.State
					want string
				}{
					{presence.State{Availability: presence.Busy, Activity: presence.Meeting, Note: "In Lyon"}, "busy meeting In Lyon"},
					{presence.State{Availability: presence.DoNotDisturb}, "dnd"},
					{presence.State{Availability: presence.Offline, Note: "Back Monday"}, "offline  Back Monday"},
				} {
					boss.news()
					if err := anna.Publish(t.Context(), s.p); err != nil {
						t.Fatal(err)
					}
					time.Sleep(3 * time.Second)
					if got := boss.news(); !strings.HasSuffix(got, self+" "+s.want) {
						t.Errorf("published %s, seen %q", s.want, got)
					}
				}
				if err := anna.Unpublish(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(3 * time.Second)
				if got := boss.news(); !strings.Contains(got, self+" offline") {
					t.Errorf("after sign-out: %q", got)
				}
				if got := boss.latest["nobody@contoso.test"].Availability; got == presence.Available {
					t.Errorf("somebody who does not exist is %s", got)
				}
				anna.mu.Lock()
				defer anna.mu.Unlock()
				if got := strings.Join(anna.watchers, ";"); !strings.Contains(got, boss.o.Self) {
					t.Errorf("watchers: %s", got)
				}
			})
		})
	}
}

// Twelve hours: the publication and the subscription are still there.
func TestStaysForHours(t *testing.T) {
	office(t, 20, func(t *testing.T, c *lab.Company) {
		anna := signIn(t, c, c.Newcomer(), labXCAP)
		defer anna.signOut()
		boss := signIn(t, c, c.People()[0], labXCAP)
		defer boss.signOut()
		watch(t, boss.record, anna.o.Self)
		if err := anna.Publish(t.Context(), presence.State{Availability: presence.Busy, Note: "here"}); err != nil {
			t.Fatal(err)
		}
		for hour := range 12 {
			time.Sleep(time.Hour)
			for _, news := range strings.Split(boss.news(), "; ") {
				if news != "" && news != anna.o.Self+" busy  here" && (hour > 0 || news != anna.o.Self+" offline") {
					t.Errorf("at %v: %s", time.Now(), news)
				}
			}
		}
		boss.mu.Lock()
		defer boss.mu.Unlock()
		if s := boss.latest[anna.o.Self]; s.Availability != presence.Busy {
			t.Errorf("in the end %+v", s)
		}
	})
}

func TestContactListRoams(t *testing.T) {
	office(t, 20, func(t *testing.T, c *lab.Company) {
		desk := signIn(t, c, c.Newcomer(), labXCAP)
		for i, p := range c.People()[:5] {
			if err := desk.Edit(t.Context(), contacts.Edit{Op: contacts.Add, User: p.User, Name: p.Name, Group: []string{"Team", "Über uns"}[i%2]}); err != nil {
				t.Fatal(err)
			}
		}
		want := desk.list(t)
		laptop := signIn(t, c, c.Newcomer(), labXCAP)
		if got := laptop.list(t); got != want || strings.Count(got, "@") != 5 {
			t.Errorf("at the desk %s, on the laptop %s", want, got)
		}
		if err := laptop.Edit(t.Context(), contacts.Edit{Op: contacts.RemoveGroup, Group: "Team"}); err != nil {
			t.Fatal(err)
		}
		club := contacts.Edit{Op: contacts.AddGroup, Group: "Club"}
		time.Sleep(time.Minute)
		var doubt *contacts.DoubtError
		if err := desk.Edit(t.Context(), club); !errors.As(err, &doubt) || desk.list(t) != want {
			t.Errorf("most people were removed elsewhere: %v, %s", err, desk.list(t))
		}
		if err := desk.Answer(t.Context(), false); err != nil {
			t.Error(err)
		}
		if err := desk.Edit(t.Context(), club); err != nil || strings.Contains(desk.list(t), "Team") {
			t.Errorf("%s, %v", desk.list(t), err)
		}
		desk.signOut()
		laptop.signOut()
	})
}

// Two clients of one user change the list at the same time: nothing is lost.
func TestTwoClientsAtOnce(t *testing.T) {
	office(t, 20, func(t *testing.T, c *lab.Company) {
		desk, laptop := signIn(t, c, c.Newcomer(), labXCAP), signIn(t, c, c.Newcomer(), labXCAP)
		var both sync.WaitGroup
		for i, e := range []*employee{desk, laptop} {
			both.Go(func() {
				for n := range 30 {
					if err := e.Edit(t.Context(), contacts.Edit{Op: contacts.Add, User: fmt.Sprintf("u%d-%d@contoso.test", i, n), Group: fmt.Sprint("G", n%3)}); err != nil {
						t.Errorf("client %d, change %d: %v", i, n, err)
					}
				}
			})
		}
		both.Wait()
		if err := desk.ReadContacts(t.Context()); err != nil || strings.Count(desk.list(t), "@") != 60 {
			t.Errorf("%d of 60 people, %v", strings.Count(desk.list(t), "@"), err)
		}
		desk.signOut()
		laptop.signOut()
	})
}

// A list of more than 100,000 characters goes to the server and comes back.
func TestLongList(t *testing.T) {
	office(t, 5, func(t *testing.T, c *lab.Company) {
		desk := signIn(t, c, c.Newcomer(), labXCAP)
		var rows []contacts.Row
		for i := range 1500 {
			rows = append(rows, contacts.Row{User: fmt.Sprintf("person%d@contoso.test", i), Name: fmt.Sprint("Somebody Number ", i), Group: fmt.Sprint("G", i%20)})
		}
		done, err := desk.Merge(t.Context(), rows)
		if err != nil || len(done) != 1500 || done[1499].Result != contacts.Added {
			t.Fatalf("%d rows, %v", len(done), err)
		}
		if doc, err := desk.Document(t.Context(), nil); err != nil || len(doc) < 100000 {
			t.Errorf("%d bytes, %v", len(doc), err)
		}
		laptop := signIn(t, c, c.Newcomer(), labXCAP)
		if n := strings.Count(laptop.list(t), "@"); n != 1500 {
			t.Errorf("%d people on the laptop", n)
		}
		desk.signOut()
		laptop.signOut()
	})
}
