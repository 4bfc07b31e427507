package session

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"communicator/directory"

	"github.com/BurntSushi/toml"
	"github.com/adrg/xdg"
)

// Profile is what a user, or an administrator for them, has configured. All of
// it may be empty: then the sign-in address decides, by DNS.
type Profile struct {
	User          string        `toml:"user"`           // sign-in address
	Name          string        `toml:"name"`           // own display name
	Domains       places        `toml:"domains"`        // further domains of one's own organisation: one or a list
	Server        string        `toml:"server"`         // HOST[:PORT][;transport=tls|tcp]
	Resolver      string        `toml:"resolver"`       // DNS server HOST:PORT
	CA            string        `toml:"ca"`             // file with an additional root certificate, PEM
	AllowTCP      bool          `toml:"allow_tcp"`      // plain TCP is allowed
	XCAP          string        `toml:"xcap"`           // XCAP root URL
	MSRPRelay     string        `toml:"msrp_relay"`     // HOST[:PORT] of the relay for long messages
	Directory     string        `toml:"directory"`      // ldaps://HOST[:PORT] or ldap://HOST[:PORT]
	Base          string        `toml:"base"`           // LDAP search base
	AddressBook   places        `toml:"address_book"`   // LDAP URLs, vCard and CSV files: one or a list
	Calendar      string        `toml:"calendar"`       // CalDAV or iCalendar URL, or file
	CalendarNote  bool          `toml:"calendar_note"`  // others may read the titles of meetings
	CalendarEvery time.Duration `toml:"calendar_every"` // such as "10m"

	DirectoryUser       string               `toml:"directory_user"`       // name for the directory, with %u for the part of the address before the @
	DirectoryAttributes directory.Attributes `toml:"directory_attributes"` // where the directory has what

	Device        string `toml:"device"`         // what this computer is called among the user's devices; empty: its host name
	InactiveAfter int    `toml:"inactive_after"` // minutes without a key until shown as inactive; 0: 5; negative: never
	AwayAfter     int    `toml:"away_after"`     // minutes without a key until shown as away; 0: 15; negative: never

	History      *bool `toml:"history"`       // false: messages are not kept; missing: they are
	HistoryDays  int   `toml:"history_days"`  // older messages are removed; 0: never
	ReadReceipts *bool `toml:"read_receipts"` // others are told what I have read; missing: true

	Dir    string   `toml:"-"` // folder of the profile and of what is kept for it; empty: none
	Locked []string `toml:"-"` // keys that the administrator's policy has set
}

// PolicyFile is the administrator's: its keys beat everybody's.
const PolicyFile = "/etc/communicator/policy.toml"

// ProfileError says what is wrong in a profile or policy file.
type ProfileError struct{ File, Why, Remedy string }

func (e *ProfileError) Error() string { return e.File + ": " + e.Why }

// LoadProfile reads profile.toml in dir (empty: the user's configuration
// folder) and lays the administrator's policy over it. A missing file is an
// empty profile; a bad one is a *ProfileError. The folder need not exist.
func LoadProfile(dir string) (Profile, error) {
	return loadProfile(dir, PolicyFile)
}

func loadProfile(dir, policy string) (Profile, error) {
	var p Profile
	if dir == "" {
		dir = defaultDir()
	}
	if dir != "" {
		if _, err := readTOML(filepath.Join(dir, "profile.toml"), &p); err != nil {
			return Profile{}, err
		}
	}
	keys, err := readTOML(policy, &p)
	if err != nil {
		return Profile{}, err
	}
	p.Dir, p.Locked = dir, keys
	return p, nil
}

// defaultDir is empty for a user without a home folder: then nothing is kept.
func defaultDir() string {
	if home, err := os.UserHomeDir(); err != nil || home == "" {
		return ""
	}
	return filepath.Join(xdg.ConfigHome, "communicator")
}

// readTOML reads file into p, if there is one, and returns the keys it set.
func readTOML(file string, p *Profile) (keys []string, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &ProfileError{file, "it cannot be read: " + err.Error(), "Check the permissions of the file."}
	}
	md, err := toml.Decode(string(text), p)
	if err != nil {
		return nil, &ProfileError{file, err.Error(), "Correct the line, or remove the file to start with the defaults."}
	}
	if p.HistoryDays < 0 {
		return nil, &ProfileError{file, "history_days: it is negative", "Say for how many days messages are kept, or 0 for all of them."}
	}
	if err := p.DirectoryAttributes.Check(); err != nil {
		return nil, &ProfileError{file, "directory_attributes: " + err.Error(), "Correct the name there."}
	}
	if unknown := md.Undecoded(); len(unknown) > 0 {
		key := unknown[0].String()
		return nil, &ProfileError{file, fmt.Sprintf("unknown key %q", key), fmt.Sprintf("Did you mean %q?", nearestKey(key))}
	}
	for _, k := range md.Keys() {
		keys = append(keys, k.String())
	}
	return keys, nil
}

// places is one place or a list of them.
type places []string

// UnmarshalTOML takes a text or an array of texts.
func (p *places) UnmarshalTOML(value any) error {
	all, is := value.([]any)
	if !is {
		all = []any{value}
	}
	for _, v := range all {
		s, is := v.(string)
		if !is {
			return errors.New("it must be one text or a list of texts")
		}
		*p = append(*p, s)
	}
	return nil
}

// nearestKey finds the known key that takes the fewest changes of a letter.
func nearestKey(key string) string {
	best, least := "", 1<<30
	for _, name := range keysOf(reflect.TypeFor[Profile](), "") {
		if d := distance(strings.ToLower(key), name); d < least {
			best, least = name, d
		}
	}
	return best
}

// keysOf are the keys of a table, those in tables below it as "table.key".
func keysOf(t reflect.Type, table string) (names []string) {
	for i := range t.NumField() {
		name := t.Field(i).Tag.Get("toml")
		if name == "-" {
			continue
		}
		names = append(names, table+name)
		if inner := t.Field(i).Type; inner.Kind() == reflect.Struct {
			names = append(names, keysOf(inner, table+name+".")...)
		}
	}
	return names
}

// distance is the Levenshtein distance of a and b in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// IsLocked says whether the administrator's policy has set key.
func (p Profile) IsLocked(key string) bool { return slices.Contains(p.Locked, key) }

// Options returns the part of a Session's options that a profile decides; the
// certificates in CA are the caller's to load.
func (p Profile) Options() Options {
	return Options{
		User: p.User, Name: p.Name, Domains: lower(p.Domains), Server: p.Server, Resolver: p.Resolver, AllowTCP: p.AllowTCP,
		XCAP: p.XCAP, MSRPRelay: p.MSRPRelay, Directory: p.Directory, Base: p.Base, DirectoryUser: p.DirectoryUser, DirectoryAttributes: p.DirectoryAttributes,
		AddressBook: p.AddressBook, Dir: p.Dir, Device: p.Device, HideReading: p.ReadReceipts != nil && !*p.ReadReceipts,
		NoHistory: p.History != nil && !*p.History, HistoryDays: p.HistoryDays,
		Calendar: p.Calendar, CalendarNote: p.CalendarNote, CalendarEvery: p.CalendarEvery,
		InactiveAfter: time.Duration(p.InactiveAfter) * time.Minute, AwayAfter: time.Duration(p.AwayAfter) * time.Minute,
	}
}

// lower returns domains in their one form.
func lower(domains []string) (all []string) {
	for _, d := range domains {
		all = append(all, strings.ToLower(strings.TrimSuffix(strings.TrimSpace(d), ".")))
	}
	return all
}
