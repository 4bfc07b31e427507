package main

import (
	"context"
	"fmt"

	"communicator/im"
	"communicator/presence"
	"communicator/session"
)

// chat shows a line arrive, an answer being typed, and that it was read.
func (t *tour) chat(ctx context.Context) error {
	t.step("Chat with %s", t.bruno.who.Name)
	if err := t.say(ctx, t.anna, t.bruno, "Do you have the numbers for Lyon?"); err != nil {
		return err
	}
	t.bruno.IM.With(t.anna.who.User).Typing(true)
	err := t.anna.await(ctx, "that an answer is being typed", func(e any) bool {
		w, is := e.(im.Typing)
		return is && w.Active && w.From == t.bruno.who.User
	})
	if err != nil {
		return err
	}
	t.seen("%s sees: %s is typing…", t.anna.who.Name, t.bruno.who.Name)
	if err := t.say(ctx, t.bruno, t.anna, "Yes. Sending them now."); err != nil {
		return err
	}
	if err := t.say(ctx, t.anna, t.bruno, "Thank you."); err != nil {
		return err
	}
	t.bruno.IM.With(t.anna.who.User).MarkRead()
	err = t.anna.await(ctx, "that it was read", func(e any) bool {
		d, is := e.(im.DeliveryChanged)
		return is && d.Delivery.To == t.bruno.who.User && d.Delivery.State == im.Read
	})
	if err != nil {
		return err
	}
	t.seen("%s sees that %s has read it.", t.anna.who.Name, t.bruno.who.Name)
	return nil
}

// everyone shows a conversation that all see, with one whose client is too
// simple for it.
func (t *tour) everyone(ctx context.Context) error {
	t.step("One conversation that everyone sees")
	reports, _ := t.anna.Contacts.List().Group("My direct reports")
	members := []string{t.bruno.who.User}
	for _, c := range reports.Members {
		if c.User != t.bruno.who.User && t.anna.Presence.Of(c.User).Availability != presence.Offline {
			members = append(members, c.User)
			break
		}
	}
	talk := t.anna.IM.Together("Lyon", members...)
	m, err := talk.Send(ctx, "Shall we meet at ten?")
	if err != nil {
		return err
	}
	for _, d := range m.Delivered {
		with := "sees the others"
		if d.Plain {
			with = "gets it as plain text and does not see the others"
		}
		t.seen("%-10s %s, who %s", d.State, d.To, with)
	}
	if _, err := t.bruno.IM.Joint(im.Group{ID: m.Group.ID}).Send(ctx, "Ten is fine."); err != nil {
		return err
	}
	return t.anna.await(ctx, "the answer to everyone", func(e any) bool {
		r, is := e.(im.Received)
		if is && r.Message.With == talk.Key() && r.Message.From == t.bruno.who.User {
			t.seen("%s answered everyone in “%s”: “%s”", t.bruno.who.Name, talk.Title(), r.Message.Text)
			return true
		}
		return false
	})
}

// stranger shows that somebody whom nobody knows waits until he is let in.
func (t *tour) stranger(ctx context.Context) error {
	t.step("Somebody whom the directory does not know writes")
	eve, err := t.enter(ctx, t.company.Administrator())
	if err != nil {
		return err
	}
	defer eve.stop()
	if _, err := eve.IM.With(t.anna.who.User).Send(ctx, "You do not know me"); err != nil {
		return err
	}
	var waits session.Request
	err = t.anna.await(ctx, "the request", func(e any) bool {
		r, is := e.(session.RequestsChanged)
		if is && len(r.Requests) == 1 {
			waits = r.Requests[0]
		}
		return waits.With != ""
	})
	if err != nil {
		return err
	}
	t.seen("It waits in a box, and nobody is told: %s, “%s”", waits.From, waits.Lines[0].Text)
	if err := t.anna.Requests.Accept(waits.With); err != nil {
		return err
	}
	if left := len(t.anna.Requests.List()); left != 0 {
		return fmt.Errorf("%d requests are left", left)
	}
	t.seen("%s lets them in.", t.anna.who.Name)
	eve.stop()
	return <-eve.done
}
