package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"communicator/im"
	"communicator/session"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// sending is what `send` was asked to do.
type sending struct {
	recipients recipients
	text       string
	together   bool   // one conversation that all see
	title      string // of it
	rate       int
	yes, dry   bool
	report     string
	resume     string
	replies    time.Duration
}

// manyRecipients is from how many on a confirmation is asked for.
const manyRecipients = 50

func (p *program) send() *cobra.Command {
	var s sending
	c := &cobra.Command{
		Use: "send", Short: "One message to one, many, a contact group, an org-chart group, or a file of addresses",
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if s.recipients.empty() {
				return usage("send to whom? give --to, --group, --org, --filter or --list")
			}
			if s.title != "" && !s.together {
				return usage("--title is of a conversation: give --together too")
			}
			if s.rate < 1 {
				return usage("--rate %d: say how many a second, at least 1", s.rate)
			}
			return p.sendMessage(c.Context(), s)
		},
	}
	f := c.Flags()
	f.StringArrayVar(&s.recipients.to, "to", nil, "send to `ADDRESS` (repeatable, or several separated by commas)")
	f.StringArrayVar(&s.recipients.groups, "group", nil, "send to everybody in the contact group `NAME`")
	f.StringArrayVar(&s.recipients.orgs, "org", nil, "send to everybody who reports to `ADDRESS`, directly or not")
	f.StringArrayVar(&s.recipients.filters, "filter", nil, "send to everybody who matches the `LDAP` filter")
	f.StringArrayVar(&s.recipients.lists, "list", nil, "send to the addresses in `FILE`, one a line; - is standard input")
	f.StringVarP(&s.text, "message", "m", "", "the `TEXT`; without it, standard input")
	f.BoolVar(&s.together, "together", false, "one conversation that all see, instead of one with each")
	f.StringVar(&s.title, "title", "", "with --together: what the conversation is called")
	f.IntVar(&s.rate, "rate", 50, "at most `N` messages a second")
	f.BoolVar(&s.yes, "yes", false, "do not ask when there are more than 50 recipients")
	f.BoolVar(&s.dry, "dry-run", false, "print who would get it, send nothing")
	f.StringVar(&s.report, "report", "", "also write the lines to `FILE`, as they happen")
	f.StringVar(&s.resume, "resume", "", "skip those that `FILE`, an earlier report, shows as delivered or accepted")
	f.DurationVar(&s.replies, "replies", 0, "stay for `DURATION` and print answers")
	return c
}

// maxText bounds what is read from standard input; the server's limit on a
// message is far below.
const maxText = 1 << 20

func (p *program) sendMessage(ctx context.Context, s sending) error {
	if err := p.messageText(&s); err != nil {
		return err
	}
	if _, err := os.Stat(s.resume); s.resume == s.report && errors.Is(err, fs.ErrNotExist) {
		s.resume = "" // the first run of a script that names the same file for both
	}
	done, head, err := reported(s.resume, newHead(s.text))
	if err != nil {
		return err
	}
	answers := newQueue()
	defer answers.close()
	var notify func(any)
	if s.replies > 0 {
		notify = answers.put
	}
	return p.signedIn(ctx, notify, func(ctx context.Context, session *session.Session) error {
		people, err := s.recipients.resolve(ctx, p, session)
		if err != nil {
			return err
		}
		var talk *im.Conversation
		if s.together {
			if people = notSelf(people, session.State().User); len(people)+1 > im.MaxMembers {
				return usage("--together: %d people and you are more than the %d who can be in a conversation; send to each separately", len(people), im.MaxMembers)
			}
			talk = session.IM.Joint(im.Group{ID: head.Message, Title: s.title, Members: append([]string{session.State().User}, users(people)...)})
		}
		if people = without(people, done); len(people) == 0 && !p.flags.json {
			p.say("Nobody is left: all of them have it, says %s.", s.resume)
			return nil
		}
		if s.dry {
			p.dryRun(people)
			return nil
		}
		if err := p.confirm(s, len(people)); err != nil {
			return err
		}
		err = p.deliver(ctx, session, delivery{s, head, talk, people})
		p.printReplies(ctx, answers, s.replies)
		return err
	})
}

// messageText takes the text from the flag or standard input.
func (p *program) messageText(s *sending) error {
	if s.dry && s.text == "" {
		return nil
	}
	if s.text == "" {
		if p.flags.passwordFile == "-" || s.recipients.fromStdin() {
			return usage("standard input is taken already: give the text with -m TEXT")
		}
		in, err := io.ReadAll(io.LimitReader(p.in, maxText+1))
		if err != nil {
			return fmt.Errorf("read the message: %w", err)
		}
		if len(in) > maxText {
			return usage("the message is longer than %d bytes", maxText)
		}
		s.text = strings.TrimRight(string(in), "\r\n")
	}
	if strings.TrimSpace(s.text) == "" {
		return usage("the message is empty")
	}
	return nil
}

// confirm asks before many are messaged; without a terminal --yes is needed.
func (p *program) confirm(s sending, n int) error {
	if n <= manyRecipients || s.yes {
		return nil
	}
	f, is := p.in.(*os.File)
	if !is || !term.IsTerminal(int(f.Fd())) {
		return usage("%d recipients: give --yes to message more than %d", n, manyRecipients)
	}
	fmt.Fprintf(p.err, "Send this to %d people? [y/N] ", n)
	var answer string
	if _, err := fmt.Fscanln(f, &answer); err != nil || !strings.EqualFold(answer, "y") {
		return errors.New("not sent: not confirmed")
	}
	return nil
}

func (p *program) dryRun(people []recipient) {
	p.table(func(w io.Writer) {
		for _, r := range people {
			if p.flags.json {
				p.line(map[string]string{"to": uri(r.user), "name": r.name})
			} else {
				fmt.Fprintf(w, "%s\t%s\n", r.name, r.user)
			}
		}
	})
}

// delivery is what is to be sent to whom.
type delivery struct {
	sending
	head   reportHead
	talk   *im.Conversation // the one that all see; nil: separately
	people []recipient
}

// deliver sends, reports each recipient as it becomes final, and turns the
// sum into the exit status. Ctrl-C stops what was not sent.
func (p *program) deliver(ctx context.Context, s *session.Session, m delivery) error {
	people := m.people
	r, err := newReport(p, m.report, m.head, people)
	if err != nil {
		return err
	}
	if p.flags.timeoutSet() {
		var cancel context.CancelFunc
		ctx, cancel = p.deadline(ctx)
		defer cancel()
	}
	err = s.IM.SendEach(ctx, im.Bulk{ID: m.head.Message, In: m.talk, To: users(people), Text: m.text, Rate: m.rate, Each: r.add})
	over := ctx.Err() != nil
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		r.unsent(people, "no time was left")
	case over:
		r.unsent(people, "stopped")
	case err != nil:
		r.unsent(people, err.Error())
	}
	if end := r.end(); end != nil {
		return end
	}
	if err != nil && !over {
		return exit{statusFailed, err}
	}
	return r.status(errors.Is(ctx.Err(), context.Canceled))
}

// printReplies prints the messages that come within d.
func (p *program) printReplies(ctx context.Context, answers *queue, d time.Duration) {
	if d <= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	context.AfterFunc(ctx, answers.close)
	for e := range answers.all() {
		if m, is := e.(im.Received); is {
			p.event(m)
		}
	}
}
