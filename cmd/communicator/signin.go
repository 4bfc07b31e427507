package main

import (
	"context"
	"errors"

	"communicator/session"
)

// signedIn signs in, runs body, and signs out. The session publishes no
// presence of its own (session.Options.Silent). Without notify it takes no
// messages either: what the server keeps for the user is not for a command
// that would not show it.
func (p *program) signedIn(ctx context.Context, notify func(any), body func(context.Context, *session.Session) error) error {
	o, err := p.options()
	if err != nil {
		return err
	}
	o.Silent, o.Deaf, o.Notify = true, notify == nil, notify
	return p.firstReason(ctx, o, body)
}

// firstReason is runSession for a command that does not wait for better times:
// the first reason for not being signed in is its result, while a window would
// try again.
func (p *program) firstReason(ctx context.Context, o session.Options, body func(context.Context, *session.Session) error) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	been, notify := false, o.Notify
	o.Notify = func(e any) {
		if s, is := e.(session.StateChanged); is {
			been = been || s.State.Phase == session.SignedIn
			if s.State.Phase == session.Waiting && !been {
				fail(exit{statusSignIn, s.State.Err})
			}
		}
		p.historyTrouble(e)
		if notify != nil {
			notify(e)
		}
	}
	return p.runSession(ctx, session.New(o), body)
}

// runSession runs s while body acts. Signing in has --timeout to succeed. When
// the server ends the session for good, so does ctx of body.
func (p *program) runSession(ctx context.Context, s *session.Session, body func(context.Context, *session.Session) error) error {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	acting, end := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() { // ends after stop
		defer close(ended)
		if err := s.Run(running); err != nil {
			end(exit{statusSignIn, err})
		}
	}()
	defer func() { stop(); <-ended; end(nil) }() // signs out, also after an interrupt
	signing, cancel := p.deadline(acting)
	defer cancel()
	if err := s.SignedIn(signing); err != nil {
		return exit{statusSignIn, because(signing, err)}
	}
	if err := body(acting, s); err != nil {
		return because(acting, err)
	}
	if ctx.Err() == nil {
		return context.Cause(acting)
	}
	return nil
}

// because prefers why ctx ended over the bare "deadline exceeded".
func because(ctx context.Context, err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		if why := context.Cause(ctx); why != nil {
			return why
		}
	}
	return err
}
