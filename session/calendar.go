package session

import (
	"context"
	"crypto/tls"
	"errors"
	"time"

	"communicator/calendar"
	"communicator/presence"
)

// CalendarChanged: what is known of one's own calendar has changed.
type CalendarChanged struct{ State calendar.State }

// newAgenda makes the agenda of the user's own calendar, wherever it is.
func newAgenda(s *Session) *calendar.Agenda {
	tries := 0
	return calendar.New(calendar.AgendaOptions{
		Every:   s.o.CalendarEvery,
		Changed: func(st calendar.State) { s.emit(CalendarChanged{st}) },
		Open: func(ctx context.Context) (calendar.Source, error) {
			tries++
			return s.openCalendar(ctx, tries-1)
		},
	})
}

// openCalendar finds the calendar: where the configuration says, else where the
// DNS does; of several servers there the next one at each try.
func (s *Session) openCalendar(ctx context.Context, try int) (calendar.Source, error) {
	url := s.o.Calendar
	if url == "" {
		urls, err := s.query().Calendars(ctx)
		if err != nil {
			return nil, &calendar.Error{What: "The calendar was not found", Why: err.Error(), Remedy: "Set the address of the calendar, or tell your administrator", Err: err}
		}
		if len(urls) == 0 {
			return nil, calendar.ErrNone
		}
		url = urls[try%len(urls)]
	}
	return calendar.Open(calendar.Config{
		URL: url, User: s.self, Password: func() (string, error) { return s.password(context.WithoutCancel(ctx)) },
		TLS: &tls.Config{RootCAs: s.roots(), MinVersion: tls.VersionTLS12}, Dial: s.query().DialHost,
	})
}

// FreeBusy returns when user is not free between from and until, by the
// calendar server, else by what their presence says of the next hours (Of,
// State.Schedule). calendar.ErrNoFreeBusy: neither tells.
func (s *Session) FreeBusy(ctx context.Context, user string, from, until time.Time) ([]calendar.Period, error) {
	periods, err := s.Calendar.FreeBusy(ctx, user, from, until)
	if err == nil {
		return periods, nil
	}
	st := s.Presence.Of(user)
	taken := st.Schedule // of what lies ahead (RFC 4481 §3); what is now is the state itself
	if now := time.Now(); st.Until.After(now) && (st.Availability == presence.Busy || st.Activity == presence.OutOfOffice) {
		taken = append([]presence.Period{{From: now, Until: st.Until, Activity: st.Activity, Busy: true}}, taken...)
	}
	if st.Old || len(taken) == 0 {
		return nil, err
	}
	for _, p := range taken {
		kind := calendar.Busy
		if p.Activity == presence.OutOfOffice {
			kind = calendar.OutOfOffice
		}
		if p.Busy || kind == calendar.OutOfOffice {
			periods = append(periods, calendar.Period{From: p.From, Until: p.Until, Kind: kind})
		}
	}
	return calendar.Merge(periods, from, until), nil
}

// meetings is what a calendar says to others: when one is not free and, if the
// user allows it, the title of what is not private. What is not certain does
// not make anybody busy.
func meetings(st calendar.State, titles bool) []presence.Period {
	var list []presence.Period
	for _, p := range st.Periods {
		m := presence.Period{From: p.From, Until: p.Until, Busy: true}
		switch {
		case p.Kind == calendar.OutOfOffice:
			m.Activity = presence.OutOfOffice
		case p.Kind != calendar.Busy:
			continue
		case !p.AllDay: // nobody sits in a meeting for days
			m.Activity = presence.Meeting
		}
		if titles && p.Kind == calendar.Busy {
			m.Note = p.Title
		}
		list = append(list, m)
	}
	return list
}

// follow has the calendar make one's own state.
func (s *Session) follow(st calendar.State) {
	if st.Err != nil && !errors.Is(st.Err, calendar.ErrNone) {
		s.log.Warn("calendar", "error", st.Err, "read", st.Read)
	}
	away := ""
	if s.o.CalendarNote {
		away = st.OutOfOffice
	}
	s.Presence.fromCalendar(meetings(st, s.o.CalendarNote), away)
}
