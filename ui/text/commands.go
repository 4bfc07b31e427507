package text

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"communicator/contacts"
	"communicator/im"
	"communicator/presence"
	"communicator/ui/view"
)

// patience is how long a command waits for the server.
const patience = 40 * time.Second

// glance is how long `who` waits for the state of somebody who was not watched.
const glance = 3 * time.Second

// command is one thing the client can be told.
type command struct {
	name, args, does string
	do               func(c *client, ctx context.Context, rest string) error
}

// commands are the things to say, in the order help lists them.
func commands() []command {
	return []command{
		{"list", "[GROUP]", "reads the contact list, or one group of it", (*client).doList},
		{"who", "NAME", "says one person's state", (*client).doWho},
		{"status", "[STATE]", "says or sets your state: available busy dnd brb away offline auto", (*client).doStatus},
		{"note", "[TEXT]", "sets the note that others see; without text removes it", (*client).doNote},
		{"msg", "NAME: TEXT", "sends a message to one person (name, part of it, or address)", (*client).doMsg},
		{"say", "TEXT", "sends to the person you talked with last", (*client).doSay},
		{"group", "GROUP: TEXT", "sends a message to everybody in a group, and says who got it", (*client).doGroup},
		{"read", "[NAME]", "reads the conversation with somebody again", (*client).doRead},
		{"requests", "", "reads what people you do not know have written", (*client).doRequests},
		{"accept", "ADDRESS", "lets somebody in who has written", (*client).doAccept},
		{"dismiss", "ADDRESS", "forgets what somebody you do not know has written", (*client).doDismiss},
		{"find", "TEXT", "searches the contacts and the address book", (*client).doFind},
		{"org", "[NAME]", "reads a person's place in the organisation", (*client).doOrg},
		{"add", "NAME [to GROUP]", "puts somebody you can find on the list", (*client).doAdd},
		{"remove", "NAME", "takes somebody off the list", (*client).doRemove},
		{"undo", "", "takes the last change of the list back", (*client).doUndo},
		{"tell", "NAME", "tells you once when somebody is available", (*client).doTell},
		{"allow", "NAME", "lets somebody see your state", (*client).doAllow},
		{"limit", "NAME", "lets somebody see only whether you can be reached", (*client).doLimit},
		{"block", "NAME", "hides your state from somebody and refuses messages and calls", (*client).doBlock},
		{"keep", "", "keeps your contact list when the server's lost people", (*client).doKeep},
		{"take", "", "takes the server's contact list instead", (*client).doTake},
	}
}

// errUsage: the command was not understood.
var errUsage = errors.New("usage")

// mistake is what the user said wrong: what, and how to say it.
type mistake string

func (m mistake) Error() string { return string(m) }

// obey does one line; leave is true when it said quit.
func (c *client) obey(ctx context.Context, line string) (leave bool) {
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	rest = strings.TrimSpace(rest)
	switch strings.ToLower(word) {
	case "":
		return false
	case "quit", "exit", "bye":
		c.line("Signing out.")
		return true
	case "help", "?":
		c.help()
		return false
	}
	for _, cmd := range commands() {
		if cmd.name != strings.ToLower(word) {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		switch err := cmd.do(c, ctx, rest); {
		case errors.Is(err, errUsage):
			c.line("Say it like this: %s %s", cmd.name, cmd.args)
		case errors.As(err, new(mistake)):
			c.line("%s", view.Explain("", err))
		case err != nil:
			c.line("%s", view.Explain("That did not work: "+cmd.name+".", err))
		}
		return false
	}
	c.line("There is no command %q. Type help for those there are.", word)
	return false
}

func (c *client) help() {
	for _, cmd := range commands() {
		c.line("%s: %s", strings.TrimSpace(cmd.name+" "+cmd.args), cmd.does)
	}
	c.line("quit: signs out and leaves")
}

func (c *client) book() view.Book {
	return view.Book{List: c.list, State: c.session.Presence.Of, Connected: !c.lost, Now: time.Now()}
}

func (c *client) doList(_ context.Context, rest string) error {
	book := c.book()
	if rest != "" {
		g, ok := c.list.Group(rest)
		if !ok {
			return noGroup(rest)
		}
		book.List = contacts.List{Groups: []contacts.Group{g}}
	}
	rows := book.Rows()
	if len(rows) == 0 {
		c.line("Nobody is on your list yet. Try find, then add.")
	}
	for _, r := range rows {
		if r.Kind == view.GroupRow {
			c.line("%s, %s", r.Group, r.Count)
			continue
		}
		c.line("  %s", strings.Join(nonEmpty(r.Name, r.Words, r.Note), ", "))
	}
	return nil
}

func (c *client) doWho(ctx context.Context, rest string) error {
	user, err := c.person(ctx, rest)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	if err := c.session.Presence.Known(ctx, user); err != nil && ctx.Err() == nil {
		return err
	} // what has not been heard by now is unknown
	s := c.session.Presence.Of(user)
	c.line("%s", strings.Join(nonEmpty(c.names.Of(user), user, view.Words(s, time.Now()), view.Note(s, time.Now())), ", "))
	return nil
}

func (c *client) doStatus(ctx context.Context, rest string) error {
	shown, chosen := c.session.Presence.Self()
	if rest == "" {
		own := view.OwnLine(c.session.State(), shown, chosen, time.Now())
		c.line("%s", strings.Join(nonEmpty("Others see: "+own.Button, own.Second, view.Note(shown, time.Now())), ", "))
		return nil
	}
	state := presence.Availability(strings.ToLower(rest))
	switch state {
	case "auto":
		state = ""
	case presence.Available, presence.Busy, presence.DoNotDisturb, presence.BeRightBack, presence.Away, presence.Offline:
	default:
		return errUsage
	}
	if _, err := c.session.Presence.SetState(ctx, state, time.Time{}); err != nil {
		return err
	}
	return c.doStatus(ctx, "")
}

func (c *client) doNote(ctx context.Context, rest string) error {
	if _, err := c.session.Presence.SetNote(ctx, rest, time.Time{}); err != nil {
		return err
	}
	return c.doStatus(ctx, "")
}

func (c *client) doMsg(ctx context.Context, rest string) error {
	name, text, ok := split(rest)
	if !ok {
		return errUsage
	}
	user, err := c.person(ctx, name)
	if err != nil {
		return err
	}
	c.talk = c.session.IM.With(user)
	return c.doSay(ctx, text)
}

func (c *client) doSay(ctx context.Context, rest string) error {
	if rest == "" {
		return errUsage
	}
	if c.talk == nil {
		return mistake("you have not talked with anybody yet: use msg NAME: TEXT")
	}
	m, err := c.talk.Send(ctx, rest)
	if err != nil {
		return err
	}
	mark, words, _ := view.Delivery(m.Delivered, c.names)
	if mark == view.Trouble { // has been said by its event
		return nil
	}
	if mark == view.Pending { // its outcome will be
		c.waits[m.ID] = true
	}
	c.line("To %s: %s.", c.names.Of(c.talk.Members()[0]), words)
	return nil
}

func noGroup(name string) error {
	return mistake(fmt.Sprintf("there is no group %q. Type list to hear them", name))
}

func (c *client) doGroup(ctx context.Context, rest string) error {
	name, text, ok := split(rest)
	if !ok {
		return errUsage
	}
	g, found := c.list.Group(name)
	if !found {
		return noGroup(name)
	}
	send := view.NewGroupSend(g.Members)
	send.Begin()
	if send.Total() == 1 {
		c.line("Sending to 1 person.")
	} else {
		c.line("Sending to %d people.", send.Total())
	}
	err := c.session.IM.SendEach(ctx, im.Bulk{To: send.To(), Text: text, Each: send.Update})
	send.Stopped()
	for _, p := range send.People(c.session.Presence.Of) {
		if p.State == im.Failed || p.State == im.Unknown {
			c.line("  %s: %s", p.Name, p.Reason)
		}
	}
	c.line("%s.", send.Summary())
	return err
}

func (c *client) doRead(ctx context.Context, rest string) error {
	talk := c.talk
	if rest != "" {
		user, err := c.person(ctx, rest)
		if err != nil {
			return err
		}
		talk = c.session.IM.With(user)
	}
	if talk == nil {
		return errUsage
	}
	for _, e := range view.Transcript(talk.Messages(), c.session.State().User, c.names, time.Now()) {
		if e.Day != "" {
			c.line("%s", e.Day)
		}
		c.line("%s %s: %s%s", e.Time, e.Who, strings.ReplaceAll(e.Text, "\n", "\n  "), bracketed(e.Words))
	}
	return nil
}

func bracketed(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

func (c *client) doAdd(ctx context.Context, rest string) error {
	name, group, _ := strings.Cut(rest, " to ")
	user, err := c.person(ctx, name)
	if err != nil {
		return err
	}
	if group == "" {
		group = "Contacts"
	}
	e := contacts.Edit{Op: contacts.Add, User: user, Name: c.names[user], Group: strings.TrimSpace(group)}
	if err := c.session.Contacts.Edit(ctx, e); err != nil {
		return err
	}
	c.line("%s is now in %s.", c.names.Of(user), e.Group)
	return nil
}

func (c *client) doRemove(ctx context.Context, rest string) error {
	user, err := c.person(ctx, rest)
	if err != nil {
		return err
	}
	if err := c.session.Contacts.Edit(ctx, contacts.Edit{Op: contacts.Remove, User: user}); err != nil {
		return err
	}
	c.line("%s is no longer on your list.", c.names.Of(user))
	return nil
}

// split parts "NAME: TEXT".
func split(rest string) (name, text string, ok bool) {
	name, text, ok = strings.Cut(rest, ":")
	if name, text = strings.TrimSpace(name), strings.TrimSpace(text); name == "sip" {
		name, text, ok = strings.Cut(text, ":")
		name, text = strings.TrimSpace(name), strings.TrimSpace(text)
	}
	return name, text, ok && name != "" && text != ""
}
