package simple

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/presence"
)

// published starts publishing and gives the result.
func published(ctx context.Context, s *Server, p presence.State) <-chan error {
	done := make(chan error, 1)
	go func() { done <- s.Publish(ctx, p) }()
	return done
}

func TestPublishAsTheServerSeesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord(Options{})
		p := connect(t, r.line)
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		done := published(t.Context(), r.Server, presence.State{Availability: presence.Busy, Activity: presence.Meeting, Note: "In Lyon"})
		m := p.next()
		if m.start != "PUBLISH sip:anna@contoso.test SIP/2.0" || m.h.Get("Event") != "presence" || m.h.Get("Expires") != "3600" ||
			m.h.Get("Content-Type") != "application/pidf+xml" || m.h.Get("Sip-If-Match") != "" {
			t.Errorf("sent %v", m)
		}
		for _, want := range []string{`entity="sip:anna@contoso.test"`, "<basic>open</basic>", "<rpid:meeting/>", "<rpid:busy/>", "In Lyon</dm:note>", "In Lyon</note>"} {
			if !strings.Contains(m.body, want) {
				t.Errorf("no %s in %s", want, m.body)
			}
		}
		p.answer(m, "200 OK", "SIP-ETag: one", "Expires: 1800")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err := r.Publish(t.Context(), presence.State{Availability: presence.Busy, Activity: presence.Meeting, Note: "In Lyon"}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		m = p.nextBut("SUBSCRIBE") // the same again sends nothing; the next is the refresh
		if took := time.Since(start); took < 1600*time.Second || took >= 1800*time.Second {
			t.Errorf("refreshed after %v of 1800 s", took)
		}
		if m.h.Get("Sip-If-Match") != "one" || m.body != "" {
			t.Errorf("refresh %v", m)
		}
		p.answer(m, "200 OK", "SIP-ETag: two", "Expires: 1800")
		synctest.Wait()
		done = published(t.Context(), r.Server, presence.State{Availability: presence.Available})
		if m = p.next(); m.h.Get("Sip-If-Match") != "two" || !strings.Contains(m.body, "open") {
			t.Errorf("change %v", m) // RFC 3903 §4.1: the tag of the last answer
		}
		p.answer(m, "412 Conditional Request Failed")
		if m = p.next(); m.h.Get("Sip-If-Match") != "" || m.body == "" {
			t.Errorf("after 412 %v", m)
		}
		p.answer(m, "200 OK", "SIP-ETag: three", "Expires: 1800")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		taken := make(chan error, 1)
		go func() { taken <- r.Unpublish(t.Context()) }()
		if m = p.next(); m.h.Get("Sip-If-Match") != "three" || m.h.Get("Expires") != "0" || m.body != "" {
			t.Errorf("unpublish %v", m)
		}
		p.answer(m, "200 OK", "SIP-ETag: four")
		if err := <-taken; err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		for _, m := range p.requests() {
			if strings.HasPrefix(m.start, "PUBLISH") {
				t.Errorf("published again: %v", m)
			}
		}
	})
}

// nextBut is the next request that is not of this method; those are refused.
func (p *peer) nextBut(method string) message {
	p.t.Helper()
	for {
		m := p.next()
		if !strings.HasPrefix(m.start, method) {
			return m
		}
		p.answer(m, "489 Bad Event")
	}
}

func TestPublishAfterRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord(Options{})
		p := connect(t, r.line)
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		busy := presence.State{Availability: presence.Busy}
		done := published(t.Context(), r.Server, busy)
		p.answer(p.next(), "423 Interval Too Brief", "Min-Expires: 7200")
		m := p.next()
		if m.h.Get("Expires") != "7200" {
			t.Errorf("after 423: %v", m)
		}
		p.answer(m, "200 OK", "SIP-ETag: one", "Expires: 7200")
		<-done
		m = p.nextBut("SUBSCRIBE")
		p.answer(m, "503 Service Unavailable", "Retry-After: 50")
		start := time.Now()
		if m = p.next(); time.Since(start) < 50*time.Second || m.h.Get("Sip-If-Match") != "one" {
			t.Errorf("after 503: %v after %v", m, time.Since(start))
		}
		p.answer(m, "500 Server Internal Error") // Kamailio 5.6: a tag it cannot read
		if m = p.next(); m.h.Get("Sip-If-Match") != "" || !strings.Contains(m.body, "busy") {
			t.Errorf("after 500: %v", m)
		}
		p.answer(m, "200 OK", "SIP-ETag: two", "Expires: 3600")
		done = published(t.Context(), r.Server, presence.State{Availability: presence.Away})
		p.answer(p.next(), "403 Forbidden")
		if err := <-done; err == nil || !strings.Contains(err.Error(), "403") {
			t.Errorf("refused: %v", err)
		}
	})
}

func TestPublishOnANewConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord(Options{})
		busy := presence.State{Availability: presence.Busy}
		for _, tag := range []string{"", "one"} {
			ctx, cancel := context.WithCancel(t.Context())
			p := connect(t, r.line)
			if err := r.Start(ctx); err != nil {
				t.Fatal(err)
			}
			done := published(ctx, r.Server, busy)
			m := p.next()
			if m.h.Get("Sip-If-Match") != tag || m.body == "" {
				t.Errorf("published %v, want tag %q", m, tag)
			}
			p.answer(m, "200 OK", "SIP-ETag: one", "Expires: 3600")
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			cancel()
			p.close()
		}
	})
}

// cli.md: the next status command, or the window, replaces the publication.
func TestTheNextProcessReplacesThePublication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		devices := map[string]bool{}
		for i, tag := range []string{"", "tag0", "tag1"} {
			r := newRecord(Options{Dir: dir})
			p := connect(t, r.line)
			until := make(chan time.Time, 1)
			go func() {
				at, err := r.PublishOnce(t.Context(), presence.State{Availability: presence.Busy})
				if err != nil {
					t.Error(err)
				}
				until <- at
			}()
			m := p.next()
			if m.h.Get("Sip-If-Match") != tag {
				t.Errorf("command %d: %v", i, m)
			}
			_, id, _ := strings.Cut(m.body, `<tuple id="`)
			id, _, _ = strings.Cut(id, `"`)
			devices[id] = true
			p.answer(m, "200 OK", "SIP-ETag: tag"+string(rune('0'+i)), "Expires: 3600")
			if at := <-until; !at.Equal(time.Now().Add(time.Hour)) {
				t.Errorf("until %v", at)
			}
			p.close()
		}
		if len(devices) != 1 {
			t.Errorf("the installation has the names %v", devices)
		}
		if st, err := os.Stat(filepath.Join(dir, "publication.anna@contoso.test.json")); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("file: %v, %v", st, err)
		}
		time.Sleep(2 * time.Hour) // it has run out
		r := newRecord(Options{Dir: dir})
		p := connect(t, r.line)
		published(t.Context(), r.Server, presence.State{Availability: presence.Busy})
		if m := p.next(); m.h.Get("Sip-If-Match") != "" {
			t.Errorf("an expired tag was used: %v", m)
		}
	})
}

// A sign-out while a state is on its way replaces that state, instead of
// leaving it behind for an hour; a server that hangs holds nobody up.
func TestSignOutWhilePublishing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord(Options{Dir: t.TempDir()})
		p := connect(t, r.line)
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := published(ctx, r.Server, presence.State{Availability: presence.Available})
		m := p.next()
		cancel()
		last := make(chan error, 1)
		go func() {
			last <- r.PublishLast(t.Context(), presence.State{Availability: presence.Offline, Note: "gone"})
		}()
		synctest.Wait()
		p.answer(m, "200 OK", "SIP-ETag: one", "Expires: 1800")
		if m = p.next(); m.h.Get("Sip-If-Match") != "one" {
			t.Errorf("last word %v", m)
		}
		p.answer(m, "200 OK", "SIP-ETag: two", "Expires: 1800")
		if err := <-last; err != nil {
			t.Error(err)
		}
		<-done

		ctx, cancel = context.WithCancel(t.Context())
		done = published(ctx, r.Server, presence.State{Availability: presence.Busy})
		p.next()
		start := time.Now()
		cancel()
		if err, took := <-done, time.Since(start); err == nil || took > time.Second {
			t.Errorf("no answer: %v after %v", err, took)
		}
	})
}

func TestPublishOnceAsksForItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for until, want := range map[time.Duration]string{0: "43200", 90 * time.Minute: "5400", time.Second: "60", 72 * time.Hour: "43200"} {
			r := newRecord(Options{})
			p := connect(t, r.line)
			state := presence.State{Availability: presence.Busy}
			if until > 0 {
				state.Until = time.Now().Add(until)
			}
			go func() { _, _ = r.PublishOnce(t.Context(), state) }() // what is sent is the point
			if m := p.next(); m.h.Get("Expires") != want {
				t.Errorf("until %v: Expires: %s", until, m.h.Get("Expires"))
			}
			p.close()
		}
	})
}

func TestBadPublicationFile(t *testing.T) {
	for _, text := range []string{"", "{", `{"user":"eve@contoso.test","etag":"x","expires":"2099-01-01T00:00:00Z"}`,
		`{"user":"anna@contoso.test","etag":"x\r\nEvil: 1","expires":"2099-01-01T00:00:00Z"}`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "publication.anna@contoso.test.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if pub := newRecord(Options{Dir: dir}).publisher.load(); pub.ETag != "" || pub.Device == "" {
			t.Errorf("%q is read as %+v", text, pub)
		}
	}
}

// Nothing can be written any more (here: names beside the file would be too
// long): the file is of a publication that this process has replaced since, and
// is not believed. What another process writes later counts all the same.
func TestStalePublicationFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		self := strings.Repeat("a", 225) + "@contoso.test"
		r := newRecord(Options{Self: self, Dir: t.TempDir()})
		p := connect(t, r.line)
		if err := r.Attach(t.Context()); err != nil {
			t.Fatal(err)
		}
		file := func(tag string) {
			t.Helper()
			text := fmt.Sprintf(`{"user":%q,"device":"d","etag":%q,"expires":%q}`, self, tag, time.Now().Add(time.Hour).Format(time.RFC3339))
			if err := os.WriteFile(r.publicationFile(), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		say := func(note, match, tag string) {
			t.Helper()
			done := published(t.Context(), r.Server, presence.State{Availability: presence.Available, Note: note})
			m := p.nextBut("SUBSCRIBE")
			if got := m.h.Get("Sip-If-Match"); got != match {
				t.Errorf("%s: replaces %q, want %q", note, got, match)
			}
			p.answer(m, "200 OK", "SIP-ETag: "+tag, "Expires: 3600")
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		file("last week")
		say("first", "last week", "one")
		say("second", "one", "two")
		file("other")
		say("after another process", "other", "three")
	})
}

// The last word: closed, with the note, for 30 days. A server that refuses it
// does not go on showing that one is there.
func TestLastWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord(Options{Dir: t.TempDir()})
		p := connect(t, r.line)
		if err := r.Attach(t.Context()); err != nil {
			t.Fatal(err)
		}
		done := published(t.Context(), r.Server, presence.State{Availability: presence.Available, Note: "here"})
		p.answer(p.nextBut("SUBSCRIBE"), "200 OK", "SIP-ETag: one", "Expires: 3600")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		last := make(chan error, 1)
		go func() {
			last <- r.PublishLast(t.Context(), presence.State{Availability: presence.Offline, Note: "Back Monday"})
		}()
		m := p.nextBut("SUBSCRIBE")
		if m.h.Get("Sip-If-Match") != "one" || m.h.Get("Expires") != "2592000" || !strings.Contains(m.body, "<basic>closed</basic>") || !strings.Contains(m.body, "Back Monday</note>") {
			t.Errorf("sent %v", m)
		}
		p.answer(m, "403 Forbidden")
		m = p.nextBut("SUBSCRIBE")
		if m.h.Get("Sip-If-Match") != "one" || m.h.Get("Expires") != "0" || m.body != "" {
			t.Errorf("refused; then %v", m)
		}
		p.answer(m, "200 OK", "SIP-ETag: two")
		if err := <-last; err != nil {
			t.Fatal(err)
		}
	})
}
