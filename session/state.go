package session

import (
	"time"
)

// machine is where signing in stands. next is the whole policy of it: a pure
// function, so that a table can test it. Run executes the actions.
//
//	              start
//	signed out ─────────► locating ◄──────────────────────────┐
//	    ▲                  │  ▲  │                            │
//	    │           linked │  │  │ no server                  │ timer
//	    │                  ▼  │  └──────────────► waiting ────┘
//	    │ rejected   signing in  redirected,
//	    ├─────────────  │   └──► unavailable: another candidate (locating)
//	    │               │ accepted
//	    │ rejected      ▼
//	    └─────────── signed in ── lost ─► locating, at once, another server first;
//	                                       waiting, if this happens again and again
//
// From every phase "stop" leads to signed out. Connecting is the second half
// of locating: a server has been found and is being connected to.
type machine struct {
	phase Phase
	tries int           // rounds through all candidates that failed since the last sign-in that lasted
	hops  int           // redirects followed one after the other
	after time.Duration // shortest wait (Retry-After) that a server asked for in this round
	hope  bool          // another one failed in this round without asking for patience
	err   error         // the latest reason for not being signed in
}

// happening is what the machine hears of.
type happening int

const (
	start       happening = iota // Run begins
	linked                       // a connection to a candidate stands
	noServer                     // no candidate is left
	accepted                     // the server registered us
	redirected                   // it sends us on
	unavailable                  // it does not answer, or says not now
	rejected                     // it says never
	lost                         // the connection ended
	timer                        // the wait is over
	stop                         // the caller wants to sign out
)

// event is a happening with its particulars.
type event struct {
	what     happening
	err      error
	after    time.Duration // unavailable: Retry-After; noServer: what is left of those asked for earlier
	hope     bool          // noServer: something failed that may be over sooner
	brief    bool          // lost: soon after signing in
	contacts []string      // redirected: where to
}

// action is what Run does next. It ends with the next event.
type action int

const (
	search  action = iota // begin a new search for servers, take the first candidate
	another               // take the next candidate of this search
	follow                // go where the server sends us
	register
	hold // stay signed in
	rest // wait for delay(machine)
	end  // sign out, if signed in, and return machine.err
)

// maxHops is how many redirects are followed (RFC 3261 §8.1.3.4 warns of loops).
const maxHops = 5

// next says what becomes of m when e happens, and what to do.
func next(m machine, e event) (machine, action) {
	if e.err != nil {
		m.err = e.err
	}
	onlyWaited := m.phase == Locating && e.what == noServer && m.after == 0 && e.after > 0 && !m.hope && !e.hope // nobody was asked
	if e.after > 0 && (m.after == 0 || e.after < m.after) {
		m.after = e.after
	}
	m.hope = m.hope || e.hope || e.what == unavailable && e.after == 0
	switch {
	case e.what == stop:
		return machine{phase: SignedOut}, end
	case e.what == rejected:
		return machine{phase: SignedOut, err: m.err}, end
	case e.what == lost && e.brief: // a server that takes us and drops us is like one that is not there
		m.tries++
	case e.what == lost:
		m.tries = 0
	}
	switch m.phase {
	case SignedIn:
		m.after, m.hope = 0, false // a server that asked for patience is passed over
		if m.tries > 1 {
			m.phase = Waiting
			return m, rest
		}
		m.phase = Locating
		return m, search
	case SignedOut, Waiting: // start, timer
		m.phase, m.hops, m.after, m.hope = Locating, 0, 0, false
		return m, search
	case Locating:
		if e.what == linked {
			m.phase = SigningIn
			return m, register
		}
		m.phase = Waiting
		if !onlyWaited {
			m.tries++
		}
		return m, rest
	case SigningIn:
		switch {
		case e.what == accepted:
			return machine{phase: SignedIn, tries: m.tries}, hold
		case e.what == redirected && m.hops < maxHops:
			m.phase = Locating
			m.hops++
			return m, follow
		case e.what == redirected:
			m.err = errCircle
		}
		m.phase, m.hops = Locating, 0
		return m, another
	}
	return m, end // no such phase
}

const (
	firstRest = time.Second
	maxRest   = 2 * time.Minute // a pool that comes back is not run over: the clients spread over this
)

// delay is how long to wait before the next round: doubling from firstRest to
// maxRest, by lot between half and all of it. When all servers asked for
// patience (RFC 3261 §21.5.4: Retry-After) it is not before the first of them may
// be asked again, after which the clients spread as well. lot is a random number from 0 to below 1.
func delay(m machine, lot float64) time.Duration {
	d := min(firstRest<<min(max(m.tries-1, 0), 20), maxRest)
	d = d/2 + time.Duration(lot*float64(d/2))
	if m.after > 0 && !m.hope {
		spread := max(min(m.after/2, maxRest), firstRest)
		d = max(d, m.after+time.Duration(lot*float64(spread)))
	}
	return d
}
