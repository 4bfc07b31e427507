package text

import (
	"context"

	"communicator/contacts"
	"communicator/plain"
	"communicator/session"
	"communicator/ui/view"
)

// asks says who wants to see one's state and waits to be allowed to. Who may
// see it comes and goes as he likes, and is not said.
func (c *client) asks(w session.WatcherAsks) {
	who := w.User
	if name := plain.Line(w.Name); name != "" {
		who = name + " (" + w.User + ")"
	}
	c.line("%s wants to see your state. Say allow, limit or block, and the name.", who)
	if c.names[w.User] == "" && w.Name != "" {
		c.names[w.User] = plain.Line(w.Name)
	}
}

// doubt says that the server's list lost people, or that this is settled.
func (c *client) doubt(d session.ContactsDoubt) {
	if d.Over {
		c.line("The question about your contact list is settled.")
		return
	}
	c.line("Careful: %s. Say keep to put the list you had there again, or take to go on with the server's.", d.Loss)
}

// calendar says once that one's calendar cannot be read, and that it can again.
func (c *client) calendar(err error) {
	switch failed := err != nil; {
	case failed && !c.noCalendar:
		c.line("%s", view.Explain("Your calendar could not be read.", err))
	case !failed && c.noCalendar:
		c.line("Your calendar can be read again.")
	}
	c.noCalendar = err != nil
}

func (c *client) doTell(ctx context.Context, rest string) error {
	user, err := c.person(ctx, rest)
	if err != nil {
		return err
	}
	c.line("You will be told when %s is available.", c.names.Of(user))
	c.session.Presence.TellWhenAvailable(user, true)
	return nil
}

func (c *client) doAllow(ctx context.Context, rest string) error {
	return c.decide(ctx, rest, contacts.Allow, view.Translate("%s may see your state."))
}

func (c *client) doLimit(ctx context.Context, rest string) error {
	return c.decide(ctx, rest, contacts.Limited, view.Translate("%s sees whether you can be reached, and no more."))
}

func (c *client) doBlock(ctx context.Context, rest string) error {
	return c.decide(ctx, rest, contacts.Block, view.Translate("%s is blocked: no state, no messages, no calls."))
}

// decide gives somebody an access; done says that it has been given.
func (c *client) decide(ctx context.Context, rest string, a contacts.Access, done string) error {
	user, err := c.person(ctx, rest)
	if err != nil {
		return err
	}
	if err := c.session.Contacts.SetAccess(ctx, user, a); err != nil {
		return err
	}
	c.line(done, c.names.Of(user))
	if !c.session.Contacts.RulesOnServer() {
		c.line("Your server keeps no such rules: this holds on this computer only, and hides nothing from anybody.")
	}
	return nil
}

func (c *client) doKeep(ctx context.Context, _ string) error {
	return c.session.Contacts.Answer(ctx, true)
}

func (c *client) doTake(ctx context.Context, _ string) error {
	return c.session.Contacts.Answer(ctx, false)
}

func (c *client) doUndo(ctx context.Context, _ string) error {
	now, err := c.session.Contacts.Undo(ctx)
	if err != nil {
		return err
	}
	c.line("Your contact list is again as it was: %d groups, %d people.", now.Groups, now.People)
	return nil
}
