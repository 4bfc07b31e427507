package simple

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"communicator/wire/pidf"
)

const auidServices = "rls-services" // RFC 4826 §4.1

// maxListed is how many people a list holds before those who are not wanted
// any more are taken out: they may be wanted by another client of the user.
const maxListed = 2500

// serviceURI is the address of our list: of the user's domain, so that his
// server is asked, and of a name that no person has.
func (s *Server) serviceURI() string {
	user, domain, _ := strings.Cut(s.o.Self, "@")
	return "sip:" + user + "-communicator-contacts@" + domain
}

// writeList sees that our list on the server holds everybody of want, and
// returns who is in it. Nothing is written when they are in it already. Others
// that another of our clients put there stay, as long as they are not many; the
// lists of other programs stay in any case.
func (w *watcher) writeList(ctx context.Context, want []string) (map[string]bool, error) {
	for range 3 {
		services, version, err := w.readServices(ctx)
		if err != nil {
			return nil, fmt.Errorf("read list of contacts to watch: %w", err)
		}
		service := findService(&services, w.s.serviceURI())
		people, changed := fill(service, want)
		if !changed {
			return people, nil
		}
		_, err = w.s.xcap.put(ctx, auidServices, document{services.Marshal(), pidf.ContentTypeRLS, version})
		if !errors.Is(err, errChanged) {
			if err != nil {
				return nil, fmt.Errorf("write list of contacts to watch: %w", err)
			}
			return people, nil
		}
	}
	return nil, fmt.Errorf("write list of contacts to watch: %w", errChanged)
}

// readServices reads the user's rls-services document; none is an empty one.
func (w *watcher) readServices(ctx context.Context) (pidf.RLSServices, version, error) {
	d, err := w.s.xcap.get(ctx, auidServices)
	if errors.Is(err, errNotFound) || (err == nil && len(d.body) == 0) {
		return pidf.RLSServices{}, d.version, nil
	}
	if err != nil {
		return pidf.RLSServices{}, version{}, err
	}
	services, err := pidf.ParseRLSServices(d.body)
	return services, d.version, err
}

// findService returns the service of that address in r, making it if need be.
func findService(r *pidf.RLSServices, uri string) *pidf.Service {
	for i := range r.Services {
		if address(r.Services[i].URI) == address(uri) && r.Services[i].List != nil {
			return &r.Services[i]
		}
	}
	r.Services = append(r.Services, pidf.Service{URI: uri, List: &pidf.List{Name: "contacts"}, Packages: []string{presencePkg}})
	return &r.Services[len(r.Services)-1]
}

// fill puts everybody of want into the list of s. It returns who is in it, and
// whether it was changed.
func fill(s *pidf.Service, want []string) (people map[string]bool, changed bool) {
	people = map[string]bool{}
	for _, e := range s.List.Entries() {
		people[address(e.URI)] = true
	}
	missing := 0
	for _, u := range want {
		if !people[u] {
			missing++
		}
	}
	tooMany := len(people)+missing > max(maxListed, 2*len(want))
	if missing == 0 && !tooMany {
		return people, false
	}
	if tooMany {
		s.List.Items, people = nil, map[string]bool{}
	}
	for _, u := range want {
		if !people[u] {
			people[u] = true
			s.List.Items = append(s.List.Items, pidf.Item{Entry: &pidf.Entry{URI: "sip:" + u}})
		}
	}
	return people, true
}
