//go:build interop

package interop

import (
	"regexp"
	"strings"
	"testing"

	"communicator/im"
	"communicator/presence"
	"communicator/session"
)

// Other people's programs against our lab and, the same, against Kamailio:
// what the lab does must be right for more than our own client.
func TestForeignAtTheLab(t *testing.T)   { foreign(t, startLab(t, 20)) }
func TestForeignAtKamailio(t *testing.T) { foreign(t, startPool(t).place()) }

// foreign is a day with our client, baresip and linphonec.
func foreign(t *testing.T, p place) {
	ours, theirs, other := p.me, p.reports(p.me)[0], p.reports(p.me)[1]

	b := startBaresip(t, p, theirs, ours, other)
	b.expect(0, regexp.QuoteMeta(theirs)+`: .*200 OK.*binding`)
	l := startLinphone(t, p, other)
	l.expect(0, `to \[LinphoneRegistrationOk\]`)
	c := p.signIn(t, ours)
	t.Logf("signed in: ours, %s, %s", b.version(), l.version())

	t.Run("messages", func(t *testing.T) { foreignMessages(t, c, b, l, theirs, other) })
	t.Run("a long text", func(t *testing.T) { foreignLongText(t, c, b, l, theirs, other) })
	t.Run("receipts", func(t *testing.T) { foreignReceipts(t, c, l, theirs, other) })
	t.Run("presence of ours", func(t *testing.T) { foreignSeesOurs(t, c, b, l, theirs) })
	t.Run("presence of theirs", func(t *testing.T) { oursSeesForeign(t, c, b, theirs, other) })
	t.Run("OPTIONS", func(t *testing.T) {
		mark := b.said()
		b.do("options", "sip:"+ours)
		_, answer := b.expect(mark, `^SIP/2.0 200 `)
		_, answer = b.expect(answer, `^CSeq: \d+ OPTIONS`)
		b.expect(answer, `^Allow: .*MESSAGE`)
	})
}

func (b *baresip) version() string {
	m, _ := b.expect(0, `^(baresip v\S+)`)
	return m[1]
}

func (p *program) version() string {
	m, _ := p.expect(0, `LinphoneCore version: ([^)]+)\)`)
	return "linphonec " + m[1]
}

// Neither takes a session for messages; the invitation to one rings nowhere.
func foreignLongText(t *testing.T, c *client, b *baresip, l *program, theirs, other string) {
	for to, shown := range map[string]*program{theirs: b.program, other: l} {
		mark := shown.said()
		if d := delivery(t, c, to, strings.Repeat("long text ", 2000)); d.State != im.Delivered {
			t.Errorf("to %s: %+v, want delivered", to, d)
		}
		_, first := shown.expect(mark, `\(1/2\) long text`)
		shown.expect(first, `\(2/2\) long text|\(2/2\) text long`)
	}
	for _, m := range c.Trace() {
		if status, rest, _ := strings.Cut(m.Message, "\r\n"); !m.Sent && strings.Contains(rest, " INVITE\r\n") && !strings.HasPrefix(status, "SIP/2.0 1") {
			t.Logf("the invitation was answered %s", status)
		}
	}
}

func foreignMessages(t *testing.T, c *client, b *baresip, l *program, theirs, other string) {
	for to, shown := range map[string]*program{theirs: b.program, other: l} {
		mark := shown.said()
		if d := delivery(t, c, to, "Hello from ours"); d.State != im.Delivered {
			t.Errorf("to %s: %+v, want delivered", to, d)
		}
		shown.expect(mark, `^\s*(sip:|Message received from sip:).*Hello from ours`)
	}
	mark := c.heard()
	b.do("message", "Hello from baresip")
	if m := c.gets(mark, "Hello from baresip"); m.From != theirs {
		t.Errorf("from %s, want %s", m.From, theirs)
	}
	l.tell("chat sip:%s Hello from linphone", c.user)
	if m := c.gets(mark, "Hello from linphone"); m.From != other {
		t.Errorf("from %s, want %s", m.From, other)
	}
	// To each other, as they would without us. It was sent to the next contact of baresip's.
	said := b.said()
	l.tell("chat sip:%s Hello colleague", theirs)
	b.expect(said, `sip:.*"Hello colleague"`)
	said = l.said()
	b.do("contact_next", "")
	b.do("message", "Hello to you")
	l.expect(said, `^Message received from .*Hello to you`)
}

// foreignSeesOurs: both show what they can of our state; linphone subscribes with its GRUU as Contact.
func foreignSeesOurs(t *testing.T, c *client, b *baresip, l *program, theirs string) {
	// baresip takes its time to subscribe, and reports changes only.
	await(c, 0, "the news that baresip watches", func(e session.WatcherChanged) bool { return e.User == theirs })
	_, told := b.expect(0, `^Subscription-State: active`) // of one of its two contacts
	b.expect(told, `^Subscription-State: active`)
	if _, err := c.Presence.Set(within(t), presence.State{Availability: presence.Busy, Note: "Writing"}); err != nil {
		t.Fatal(err)
	}
	mark, seen := l.said(), b.said()
	b.expect(0, `sip:`+regexp.QuoteMeta(c.user)+`> changed status .* to .*Busy`)
	l.tell("friend add Ours sip:%s", c.user)
	l.expect(mark, `^Contact: .*;gr=urn:uuid:`) // RFC 5627, in its SUBSCRIBE
	l.expect(mark, `^Friend .*`+regexp.QuoteMeta(c.user)+`.* is `)
	l.expect(mark, `Writing`) // the note, in the document
	if _, err := c.Presence.Set(within(t), presence.State{Availability: presence.Offline}); err != nil {
		t.Fatal(err)
	}
	l.expect(mark, `^Friend .*`+regexp.QuoteMeta(c.user)+`.* is Offline`)
	b.expect(seen, `sip:`+regexp.QuoteMeta(c.user)+`> changed status .*Offline`)
	if _, err := c.Presence.Set(within(t), presence.State{Availability: presence.Available}); err != nil {
		t.Fatal(err)
	}
	b.expect(seen, `sip:`+regexp.QuoteMeta(c.user)+`> changed status .*Offline.* to .*Online`)
}

func oursSeesForeign(t *testing.T, c *client, b *baresip, theirs, other string) {
	if err := c.Presence.Watch(within(t), theirs, other); err != nil {
		t.Fatal(err)
	}
	b.do("presence_online", "")
	for _, user := range []string{theirs, other} {
		c.sees(user, "available", func(s presence.State) bool { return s.Availability == presence.Available })
	}
	b.do("presence_offline", "")
	c.sees(theirs, "offline", func(s presence.State) bool { return s.Availability == presence.Offline })
}
