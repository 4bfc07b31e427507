package session

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"communicator/history"
	"communicator/im"
)

// HistoryTrouble: the history was damaged and is replaced (Repair), or cannot be
// used (Err): then messages are sent and taken all the same, and not kept; but
// with history.ErrFull none is, and what others write stays at the server. It
// is told of once, ErrFull again when there was room meanwhile.
type HistoryTrouble struct {
	Repair *history.Repair
	Err    error
}

// Past is what was said and who called, in a file in Options.Dir that is opened
// when it is first needed. Several windows and commands may use it at the same
// time.
type Past struct {
	s     *Session
	began time.Time // the session was made

	mu    sync.Mutex
	store *history.Store
	err   error // it cannot be used
	full  bool  // what somebody wrote could not be stored, which was told
}

// ErrNoHistory: this session keeps nothing on disk.
var ErrNoHistory = errors.New("there is no folder to keep a history in")

// Open returns the history, to read and search. The error is ErrNoHistory, a
// *history.NewerError, or says why the file cannot be opened.
func (p *Past) Open() (*history.Store, error) {
	store, news, err := p.open()
	for _, r := range news {
		p.repaired(r)
	}
	if err != nil && !passing(err) && err != ErrNoHistory {
		p.mu.Lock()
		first := p.err == nil
		p.err = err
		p.mu.Unlock()
		if first {
			p.s.log.Warn("history", "error", err)
			p.s.emit(HistoryTrouble{Err: err})
		}
	}
	return store, err
}

// open opens the file, if it is not, and returns what is to be told of it.
func (p *Past) open() (store *history.Store, news []history.Repair, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.s.o.Dir == "" || p.s.bad != nil:
		return nil, nil, ErrNoHistory
	case p.store != nil || p.err != nil:
		return p.store, nil, p.err
	}
	locked := true
	defer func() { locked = false }()
	file := filepath.Join(p.s.o.Dir, strings.TrimSuffix(p.s.mine("history"), ".json")+".db")
	p.store, err = history.Open(file, history.Options{Off: p.s.o.NoHistory, Began: p.began, Repaired: func(r history.Repair) {
		if locked { // nobody is told with a lock held
			news = append(news, r)
		} else {
			p.repaired(r)
		}
	}})
	return p.store, news, err
}

// repaired tells that the file was damaged.
func (p *Past) repaired(r history.Repair) {
	p.s.log.Warn("history was damaged", "moved", r.Moved, "taken", r.Taken, "lost", r.Lost, "error", r.Why)
	p.s.emit(HistoryTrouble{Repair: &r})
}

// passing says whether the next try may succeed. Until then no message is sent
// that could not be stored.
func passing(err error) bool {
	return errors.Is(err, history.ErrFull) || errors.Is(err, history.ErrBusy)
}

// Close closes the file; what needs it opens it again.
func (p *Past) Close() {
	p.mu.Lock()
	store := p.store
	p.mu.Unlock()
	if store == nil {
		return
	}
	if err := store.Close(); err != nil {
		p.s.log.Warn("history", "error", err)
	}
}

// Forget removes a conversation, here and on the disk.
func (p *Past) Forget(with string) error {
	store, err := p.Open()
	if err != nil {
		return err
	}
	return store.Forget(with)
}

// accept makes what a stranger wrote ordinary messages.
func (p *Past) accept(with string) {
	store, err := p.Open()
	if err == nil {
		err = store.Accept(with)
	}
	if err != nil && !errors.Is(err, ErrNoHistory) {
		p.s.log.Warn("history", "error", err)
	}
}

// mostRequests is how many conversations that wait are read at the start.
const mostRequests = 200

// requests returns a line of each conversation that nobody has accepted.
func (p *Past) requests() (lines []im.Message) {
	store, err := p.Open()
	if err != nil {
		return nil // it has been told
	}
	talks, err := store.Requests(mostRequests)
	if err != nil {
		p.s.log.Warn("history", "error", err)
	}
	for _, t := range talks {
		lines = append(lines, Line(t.Last))
	}
	return lines
}

// hooks let im keep messages here.
func (p *Past) hooks() im.Store {
	return im.Store{Keep: p.keep, Settled: p.settled, Seen: p.seen, Newest: p.newest, Unsent: p.unsent}
}

func (p *Past) keep(m im.Message) (known bool, err error) {
	known, err = p.add(m)
	if m.From != p.s.self { // who writes himself is told by what became of it
		p.room(err)
	}
	return known, err
}

// room tells when what comes cannot be stored for want of room, as err says.
func (p *Past) room(err error) {
	full := errors.Is(err, history.ErrFull)
	p.mu.Lock()
	news := full && !p.full
	p.full = full
	p.mu.Unlock()
	if news {
		p.s.log.Warn("history", "error", err)
		p.s.emit(HistoryTrouble{Err: err})
	}
}

func (p *Past) add(m im.Message) (known bool, err error) {
	store, err := p.Open()
	if err != nil {
		if passing(err) {
			return false, err
		}
		return false, nil // messages go all the same
	}
	return store.Add(p.entry(m))
}

func (p *Past) settled(_ string, d im.Delivery) error {
	store, err := p.Open()
	if err != nil {
		return nil // nothing was kept of it
	}
	return store.Settle(d.ID, recipient(d))
}

func (p *Past) seen(with string, upTo time.Time) error {
	store, err := p.Open()
	if err != nil {
		return nil // nothing was kept of it
	}
	return store.Seen(with, upTo)
}

func (p *Past) newest(with string, before time.Time, n int) []im.Message {
	store, err := p.Open()
	if err != nil {
		return nil // it has been told
	}
	return p.messages(store.Newest(with, before, n))
}

func (p *Past) unsent() []im.Message {
	store, err := p.Open()
	if err != nil {
		return nil // it has been told
	}
	return p.messages(store.Unsent())
}

// messages makes entries lines of a conversation; calls are none.
func (p *Past) messages(all []history.Entry, err error) []im.Message {
	if err != nil {
		p.s.log.Warn("history", "error", err)
	}
	var lines []im.Message
	for _, e := range all {
		if e.Kind != history.Call {
			lines = append(lines, Line(e))
		}
	}
	return lines
}

// entry makes a line of a conversation an entry.
func (p *Past) entry(m im.Message) history.Entry {
	e := history.Entry{ID: m.ID, With: m.With, From: m.From, Own: m.Delivered != nil || m.From == p.s.self, Text: m.Text, Raw: m.Raw, Time: m.Time,
		Read: m.Read, Late: m.Stored, Request: m.Request}
	for _, d := range m.Delivered {
		e.To = append(e.To, recipient(d))
	}
	if m.Group != nil {
		e.Title, e.Members, e.Added = m.Group.Title, m.Group.Members, m.Group.Added
	}
	if m.Notice != "" {
		e.Kind, e.Notice = history.Notice, m.Notice
	}
	return e
}

func recipient(d im.Delivery) history.Recipient {
	return history.Recipient{To: d.To, State: string(d.State), Code: d.Code, Reason: d.Reason, Took: d.Took, Plain: d.Plain, Blocked: d.Blocked}
}

// Line makes an entry a line of a conversation.
func Line(e history.Entry) im.Message {
	m := im.Message{ID: e.ID, With: e.With, From: e.From, Text: e.Text, Raw: e.Raw, Time: e.Time, Read: e.Read, Stored: e.Late, Request: e.Request, Notice: e.Notice}
	if id, shared := strings.CutPrefix(e.With, "group:"); shared {
		m.Group = &im.Group{ID: id, Title: e.Title, Members: e.Members, Added: e.Added}
	}
	if e.Own {
		m.Delivered = []im.Delivery{}
	}
	for _, r := range e.To {
		m.Delivered = append(m.Delivered, im.Delivery{ID: e.ID, To: r.To, State: im.State(r.State), Code: r.Code, Reason: r.Reason, Took: r.Took, Plain: r.Plain, Blocked: r.Blocked})
	}
	return m
}

const (
	tidyEvery = 24 * time.Hour
	leap      = 30 * 24 * time.Hour // a clock that has run on so far since the latest entry may be wrong
)

// tidy removes what is older than the user wants to keep, now and daily, until
// ctx ends. A clock that may be wrong is given a day to be put right.
func (p *Past) tidy(ctx context.Context) {
	again := time.NewTicker(tidyEvery)
	defer again.Stop()
	for first := true; ; first = false {
		if store, err := p.Open(); err == nil {
			p.prune(store, first)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

func (p *Past) prune(store *history.Store, first bool) {
	var before time.Time
	if days := p.s.o.HistoryDays; days > 0 {
		before = time.Now().AddDate(0, 0, -days)
	}
	latest, err := store.Search(history.Query{Limit: 1})
	if err == nil && first && len(latest) > 0 && time.Since(latest[0].Time) > leap {
		return
	}
	if err == nil {
		err = store.Prune(before)
	}
	if err != nil {
		p.s.log.Warn("history", "error", err)
	}
}
