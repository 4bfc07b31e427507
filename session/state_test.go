package session

import (
	"errors"
	"testing"
	"time"
)

// Each line: in this state, when this happens, do that and be there.
func TestNext(t *testing.T) {
	no := errors.New("no")
	for name, c := range map[string]struct {
		from machine
		e    event
		want machine
		do   action
	}{
		"begin":              {machine{phase: SignedOut}, event{what: start}, machine{phase: Locating}, search},
		"found":              {machine{phase: Locating, tries: 2}, event{what: linked}, machine{phase: SigningIn, tries: 2}, register},
		"nothing found":      {machine{phase: Locating}, event{what: noServer, err: no}, machine{phase: Waiting, tries: 1, err: no}, rest},
		"nothing again":      {machine{phase: Locating, tries: 1}, event{what: noServer, err: no}, machine{phase: Waiting, tries: 2, err: no}, rest},
		"wait over":          {machine{phase: Waiting, tries: 2, after: time.Minute, hope: true, err: no}, event{what: timer}, machine{phase: Locating, tries: 2, err: no}, search},
		"accepted":           {machine{phase: SigningIn, tries: 2, hops: 1, err: no}, event{what: accepted}, machine{phase: SignedIn, tries: 2}, hold},
		"busy, next":         {machine{phase: SigningIn}, event{what: unavailable, err: no, after: 9 * time.Second}, machine{phase: Locating, after: 9 * time.Second, err: no}, another},
		"shortest wait wins": {machine{phase: SigningIn, after: time.Minute}, event{what: unavailable, err: no, after: time.Hour}, machine{phase: Locating, after: time.Minute, err: no}, another},
		"one waits, one not": {machine{phase: SigningIn, after: time.Hour}, event{what: unavailable, err: no}, machine{phase: Locating, after: time.Hour, hope: true, err: no}, another},
		"all want patience":  {machine{phase: Locating, after: time.Hour}, event{what: noServer, err: no}, machine{phase: Waiting, after: time.Hour, tries: 1, err: no}, rest},
		"one cannot be had":  {machine{phase: Locating, after: time.Hour}, event{what: noServer, err: no, hope: true}, machine{phase: Waiting, after: time.Hour, hope: true, tries: 1, err: no}, rest},
		"nobody was asked":   {machine{phase: Locating, tries: 1}, event{what: noServer, err: no, after: time.Hour}, machine{phase: Waiting, after: time.Hour, tries: 1, err: no}, rest},
		"sent on":            {machine{phase: SigningIn, hops: 4}, event{what: redirected}, machine{phase: Locating, hops: 5}, follow},
		"sent on too often":  {machine{phase: SigningIn, hops: 5}, event{what: redirected}, machine{phase: Locating, err: errCircle}, another},
		"never":              {machine{phase: SigningIn, tries: 3}, event{what: rejected, err: no}, machine{phase: SignedOut, err: no}, end},
		"lost while trying":  {machine{phase: SigningIn, tries: 1}, event{what: unavailable, err: no}, machine{phase: Locating, tries: 1, hope: true, err: no}, another},
		"lost soon":          {machine{phase: SignedIn}, event{what: lost, err: no, brief: true}, machine{phase: Locating, tries: 1, err: no}, search},
		"lost soon again":    {machine{phase: SignedIn, tries: 1}, event{what: lost, err: no, brief: true}, machine{phase: Waiting, tries: 2, err: no}, rest},
		"lost":               {machine{phase: SignedIn, tries: 5}, event{what: lost, err: no}, machine{phase: Locating, err: no}, search},
		"refresh refused":    {machine{phase: SignedIn}, event{what: rejected, err: no}, machine{phase: SignedOut, err: no}, end},
		"stop":               {machine{phase: SignedIn}, event{what: stop}, machine{phase: SignedOut}, end},
		"stop while waiting": {machine{phase: Waiting, tries: 7, err: no}, event{what: stop}, machine{phase: SignedOut}, end},
	} {
		if got, do := next(c.from, c.e); got != c.want || do != c.do {
			t.Errorf("%s: got %+v and action %d, want %+v and %d", name, got, do, c.want, c.do)
		}
	}
}

// Waiting grows, is spread, and obeys Retry-After.
func TestDelay(t *testing.T) {
	for _, c := range []struct {
		m        machine
		min, max time.Duration
	}{
		{machine{tries: 1}, 500 * time.Millisecond, time.Second},
		{machine{tries: 2}, time.Second, 2 * time.Second},
		{machine{tries: 5}, 8 * time.Second, 16 * time.Second},
		{machine{tries: 50}, time.Minute, 2 * time.Minute},
		{machine{tries: 1, after: 30 * time.Second}, 30 * time.Second, 45 * time.Second},
		{machine{tries: 9, after: time.Second}, time.Minute, 2 * time.Minute},
		{machine{tries: 1, after: time.Hour, hope: true}, 500 * time.Millisecond, time.Second},
		{machine{tries: 1, after: time.Hour}, time.Hour, time.Hour + 2*time.Minute},
	} {
		for _, lot := range []float64{0, 0.25, 0.999} {
			if d := delay(c.m, lot); d < c.min || d > c.max {
				t.Errorf("%+v, %v: %v is not between %v and %v", c.m, lot, d, c.min, c.max)
			}
		}
		if delay(c.m, 0) == delay(c.m, 0.9) {
			t.Errorf("%+v: not spread", c.m)
		}
	}
}
