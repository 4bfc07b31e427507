package calendar

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"communicator/wire/auth"
)

const (
	// Days is how many days are read, today included.
	Days = 9
	// Every is how often a calendar is read where nothing else is said.
	Every = 5 * time.Minute
	// Quickest is the shortest time between two reads that can be asked for.
	Quickest = 5 * time.Second
	// searchAgain is for a domain that announces no calendar.
	searchAgain = time.Hour
)

// ErrNone: nobody has said where the calendar is. It is no fault.
var ErrNone = errors.New("no calendar is set or announced for this domain")

// AgendaOptions of New.
type AgendaOptions struct {
	Open    func(ctx context.Context) (Source, error) // finds the calendar; asked again after an error. ErrNone: there is none
	Every   time.Duration                             // between two reads; zero: Every, at least Quickest
	Local   *time.Location                            // where the user is; nil: time.Local
	Changed func(State)                               // hears of each change, in order; not of a mere Read time. nil: nobody does
}

// Agenda keeps one's own calendar read.
type Agenda struct {
	o     AgendaOptions
	nudge chan struct{} // holds one token when somebody wants it read at once

	mu     sync.Mutex
	state  State
	source Source
}

// New makes an Agenda; nothing is read before Run.
func New(o AgendaOptions) *Agenda {
	if o.Every == 0 {
		o.Every = Every
	}
	o.Every = max(o.Every, Quickest)
	if o.Local == nil {
		o.Local = time.Local
	}
	return &Agenda{o: o, nudge: make(chan struct{}, 1)}
}

// State returns what is known; the periods are from the latest read that worked.
func (a *Agenda) State() State {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.state
	s.Periods, s.Warnings = slices.Clone(s.Periods), slices.Clone(s.Warnings)
	return s
}

// ReadNow has the calendar read at once, unless its server has asked for
// patience.
func (a *Agenda) ReadNow() {
	select {
	case a.nudge <- struct{}{}:
	default:
	}
}

// FreeBusy asks the user's own calendar server when somebody else is busy;
// ErrNoFreeBusy when it cannot tell.
func (a *Agenda) FreeBusy(ctx context.Context, user string, from, until time.Time) ([]Period, error) {
	a.mu.Lock()
	source := a.source
	a.mu.Unlock()
	if source == nil {
		return nil, ErrNoFreeBusy
	}
	return source.FreeBusy(ctx, user, from, until)
}

// Run reads the calendar now and again until ctx ends.
func (a *Agenda) Run(ctx context.Context) {
	defer a.close()
	for {
		wait, patient := a.read(ctx)
		t := time.NewTimer(wait)
		nudge := a.nudge
		if patient {
			nudge = nil
		}
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		case <-nudge:
			t.Stop()
		}
	}
}

// Read reads the calendar once, for who does not Run. A State without Err that
// is not Known means that ctx has ended.
func (a *Agenda) Read(ctx context.Context) State {
	a.read(ctx)
	a.close()
	return a.State()
}

// read reads once and says how long to wait; patient: the server has asked for
// that.
func (a *Agenda) read(ctx context.Context) (wait time.Duration, patient bool) {
	// A tenth more or less, so that a company does not ask all at once.
	wait = time.Duration(float64(a.o.Every) * (0.9 + 0.2*rand.Float64()))
	from, until := a.span(time.Now())
	source, err := a.open(ctx)
	var r Reading
	if err == nil {
		r, err = source.Read(ctx, from, until)
	}
	if ctx.Err() != nil {
		return wait, false
	}
	if err != nil && !errors.Is(err, auth.ErrRejected) { // a password that is refused is not tried again
		a.forget(source)
	}
	var e *Error
	switch {
	case errors.Is(err, ErrNone):
		wait = max(wait, searchAgain)
	case errors.As(err, &e):
		wait, patient = max(wait, e.RetryAfter), e.RetryAfter > 0
	}
	a.take(r, err)
	return wait, patient
}

// forget has the calendar looked up anew: it may have moved.
func (a *Agenda) forget(source Source) {
	a.mu.Lock()
	a.source = nil
	a.mu.Unlock()
	closeSource(source)
}

// span is from the beginning of today on.
func (a *Agenda) span(now time.Time) (from, until time.Time) {
	y, m, d := now.In(a.o.Local).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, a.o.Local), time.Date(y, m, d+Days, 0, 0, 0, 0, a.o.Local)
}

func (a *Agenda) open(ctx context.Context) (Source, error) {
	a.mu.Lock()
	source := a.source
	a.mu.Unlock()
	if source != nil {
		return source, nil
	}
	source, err := a.o.Open(ctx)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.source = source
	return source, nil
}

// take notes what a read came to. What was known stays when it failed, with
// the time at which it was true.
func (a *Agenda) take(r Reading, err error) {
	a.mu.Lock()
	before := a.state
	a.state.Err = err
	if err == nil {
		a.state.Read = time.Now()
	}
	if err == nil && !r.Same {
		a.state.Periods, a.state.Warnings = r.Periods, r.Warnings
	}
	a.state.OutOfOffice = absence(a.state.Periods, time.Now())
	now := a.state
	a.mu.Unlock()
	if a.o.Changed != nil && (before.Known() != now.Known() || !sameError(before.Err, now.Err) || before.OutOfOffice != now.OutOfOffice ||
		!slices.EqualFunc(before.Periods, now.Periods, samePeriod) || !slices.Equal(before.Warnings, now.Warnings)) {
		a.o.Changed(a.State())
	}
}

func sameError(a, b error) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Error() == b.Error()
}

func samePeriod(a, b Period) bool {
	return a.From.Equal(b.From) && a.Until.Equal(b.Until) && a.Kind == b.Kind && a.Title == b.Title && a.Text == b.Text && a.AllDay == b.AllDay
}

func (a *Agenda) close() {
	a.mu.Lock()
	source := a.source
	a.mu.Unlock()
	closeSource(source)
}

// closeSource lets go of its idle connections.
func closeSource(source Source) {
	switch s := source.(type) {
	case *caldav:
		s.web.close()
	case *ics:
		if s.web != nil {
			s.web.close()
		}
	}
}
