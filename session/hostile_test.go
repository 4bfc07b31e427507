package session

import (
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// What is told of a server that takes the connection and does not sign in, and
// that it is not run over: it is asked a bounded number of times in an hour.
func TestServersThatDoNotSignIn(t *testing.T) {
	says := func(text string) func(*peer) {
		return func(p *peer) {
			p.next()
			_, _ = io.WriteString(p, text)
			for p.next().text != "" {
			}
		}
	}
	var nonce atomic.Int64
	for name, c := range map[string]struct {
		serve func(*peer)
		want  string
	}{
		"closes at once":     {func(*peer) {}, "the other side closed the connection"},
		"closes when asked":  {func(p *peer) { p.next() }, "the other side closed the connection"},
		"silent":             {func(p *peer) { says("")(p) }, "has not answered within 8s"},
		"web server":         {says("HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n<html>"), "the other side speaks HTTP, not SIP"},
		"noise":              {says(strings.Repeat("\x00\xffnoise", 20000)), "without the end of a message head"},
		"ten thousand names": {says("SIP/2.0 200 OK\r\n" + strings.Repeat("Contact: <sip:anna@192.0.2.1>\r\n", 10000)), "without the end of a message head"},
		"only 100":           {registrar(always("100 Trying")), "has not answered within 8s"},
		"no challenge":       {registrar(always("401 Unauthorized")), "does not say how to prove it"},
		"no reason":          {registrar(always("403 ")), "status 403, without a reason"},
		"never long enough": {registrar(func(m message) (string, []string) {
			n, _ := strconv.Atoi(m.header("Expires"))
			return "423 Interval Too Brief", []string{"Min-Expires: " + strconv.Itoa(n+1)}
		}), "423 Interval Too Brief"},
		"a new nonce for ever": {registrar(func(message) (string, []string) {
			n := strconv.FormatInt(nonce.Add(1), 10)
			return "401 Unauthorized", []string{`WWW-Authenticate: Digest realm="contoso.test", stale=true, qop="auth", nonce="` + n + `"`}
		}), "was not understood"},
		"407 for ever": {registrar(func(message) (string, []string) {
			n := strconv.FormatInt(nonce.Add(1), 10)
			return "407 Proxy Authentication Required", []string{`Proxy-Authenticate: Digest realm="contoso.test", qop="auth", nonce="` + n + `"`}
		}), "the name or password was not accepted"},
		"no time at all": {registrar(always("200 OK", "Expires: 0")), "for no time at all"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				n.zone = []string{"_sip._tcp.contoso.test. 60 IN SRV 1 0 5060 fe1.contoso.test.", "fe1.contoso.test. 60 IN A 10.0.0.11"}
				var asked atomic.Int64
				n.listen["10.0.0.11:5060"] = func(p *peer) { asked.Add(1); c.serve(p) }
				s := run(t, n.options())
				time.Sleep(time.Hour)
				synctest.Wait()
				if err := s.State().Err; err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %s", err, c.want)
				}
				if n := asked.Load(); n > 70 { // every two minutes at most, once it has failed for a while
					t.Errorf("asked %d times in an hour", n)
				}
			})
		})
	}
}

// What a server may say of the time for which we are registered, and how often
// it then hears of us in an hour.
func TestStrangeGrants(t *testing.T) {
	for name, c := range map[string]struct {
		headers     []string
		least, most int
	}{
		"nothing":           {nil, 2, 4},
		"other contacts":    {[]string{"Contact: <sip:anna@192.0.2.1>;expires=1", "Contact: <sip:anna@192.0.2.2>;expires=2"}, 2, 4},
		"beyond all number": {[]string{"Expires: 99999999999999999999"}, 2, 4},
		"sixty-eight years": {[]string{"Expires: 2147483647"}, 2, 4},
		"negative":          {[]string{"Expires: -5"}, 2, 4},
		"a minute":          {[]string{"Expires: 60"}, 60, 80},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				asked := 0
				n.listen["10.0.0.11:5060"] = registrar(func(m message) (string, []string) {
					asked++
					return "200 OK", c.headers
				})
				s := signedIn(t, n.options())
				time.Sleep(time.Hour)
				synctest.Wait()
				if s.State().Phase != SignedIn || asked < c.least || asked > c.most {
					t.Errorf("%v; registered %d times in an hour, want %d to %d", s.State().Phase, asked, c.least, c.most)
				}
			})
		})
	}
}

// The computer sleeps, or its clock is set: what the server has let run out is
// begun anew, once, and a clock that was set back changes nothing.
func TestSleep(t *testing.T) {
	for name, c := range map[string]struct {
		jump time.Duration
		want int // registrations in the half hour after it
	}{
		"ten minutes":         {10 * time.Minute, 3},
		"all night":           {10 * time.Hour, 3},
		"a moment":            {20 * time.Second, 1},
		"clock an hour on":    {time.Hour, 3},
		"clock an hour back":  {-time.Hour, 1},
		"clock ten days back": {-240 * time.Hour, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				var asked recorder
				n.listen["10.0.0.11:5060"] = registrar(func(m message) (string, []string) {
					asked.add(m.header("Call-ID"))
					return "200 OK", []string{"Expires: 1800"}
				})
				var jump atomic.Int64
				o := n.options()
				o.wall = func() time.Time { return time.Now().Add(time.Duration(jump.Load())) }
				s := signedIn(t, o)
				time.Sleep(5 * time.Minute)
				before := len(asked.get())
				jump.Store(int64(c.jump))
				time.Sleep(20 * time.Second)
				soon := len(asked.get()) - before
				time.Sleep(30 * time.Minute)
				synctest.Wait()
				if got := len(asked.get()) - before; s.State().Phase != SignedIn || got > c.want || got == 0 {
					t.Errorf("%v, registered %d times", s.State().Phase, got)
				}
				if c.jump > sleepTime && soon == 0 {
					t.Error("not noticed within 20 s")
				}
				if c.want == 1 && soon > 0 {
					t.Error("connected anew for nothing")
				}
			})
		})
	}
}
