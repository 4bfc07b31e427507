package text

import (
	"context"
	"fmt"
	"strings"
	"time"

	"communicator/contacts"
	"communicator/ui/view"
)

func (c *client) doRequests(context.Context, string) error {
	list := c.session.Requests.List()
	requests := view.Requests(list, c.names, time.Now())
	for i, r := range requests {
		c.line("%s:", strings.Join(nonEmpty(r.Who, r.Address, r.Outside, r.When, r.Count), ", "))
		for _, m := range list[i].Lines {
			c.line("  %s", m.Text)
		}
	}
	if len(requests) == 0 {
		c.line("Nothing waits.")
		return nil
	}
	c.line("Say accept, dismiss or block, and the address.")
	return nil
}

func (c *client) doAccept(_ context.Context, rest string) error {
	key, err := c.request(rest)
	if err != nil {
		return err
	}
	if err := c.session.Requests.Accept(key); err != nil {
		return err
	}
	c.line("What they write comes to you from now on.")
	return nil
}

func (c *client) doDismiss(_ context.Context, rest string) error {
	key, err := c.request(rest)
	if err != nil {
		return err
	}
	if err := c.session.Requests.Dismiss(key); err != nil {
		return err
	}
	c.line("Forgotten.")
	return nil
}

// request is the key of the one from this address.
func (c *client) request(rest string) (string, error) {
	if rest == "" {
		return "", errUsage
	}
	user, err := contacts.Canonical(rest)
	for _, r := range c.session.Requests.List() {
		if err == nil && r.From == user || strings.EqualFold(c.names.Of(r.From), rest) {
			return r.With, nil
		}
	}
	return "", mistake(fmt.Sprintf("no request is from %q. Type requests, and write the address as it is there", rest))
}
