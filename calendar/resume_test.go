package calendar

import (
	"net/http"
	"testing"
	"time"

	"communicator/lab"
)

// A calendar that is asked every few minutes is not sent all certificates each time.
func TestResumedHandshake(t *testing.T) {
	inLab(t, func(t *testing.T, c *lab.Company) {
		s := open(t, config(c, chen, "https://xcap.contoso.test/")).(*caldav)
		for i := range 2 {
			res, err := s.web.http.Get("https://xcap.contoso.test/.well-known/caldav")
			if err != nil || res.StatusCode != http.StatusMovedPermanently {
				t.Fatal(res, err)
			}
			_ = res.Body.Close()
			if res.TLS.DidResume != (i > 0) {
				t.Errorf("request %d: resumed %v", i, res.TLS.DidResume)
			}
			time.Sleep(Every) // the connection is closed meanwhile
		}
	})
}
