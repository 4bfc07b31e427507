package session

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestProfile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "profile.toml", "user = \"anna@example.com\"\nallow_tcp = true\n")
	policy := write(t, dir, "policy.toml", "allow_tcp = false\n")
	p, err := loadProfile(dir, policy)
	if err != nil {
		t.Fatal(err)
	}
	if p.User != "anna@example.com" || p.AllowTCP || !slices.Equal(p.Locked, []string{"allow_tcp"}) || p.Dir != dir {
		t.Errorf("got %+v; the policy beats the user's own setting and is locked", p)
	}
}

func TestProfileThatIsMissingIsEmpty(t *testing.T) {
	p, err := loadProfile(filepath.Join(t.TempDir(), "none"), "/nonexistent/policy.toml")
	if err != nil || p.User != "" {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestProfileErrors(t *testing.T) {
	for _, c := range []struct{ text, why, remedy string }{
		{"sever = \"x\"\n", `unknown key "sever"`, `"server"`},
		{"[directory_attributes]\nadress = [\"mail\"]\n", `unknown key "directory_attributes.adress"`, `"directory_attributes.address"`},
		{"[directory_attributes]\ntitle = [\"a=b\"]\n", `"a=b" is not the name of an attribute`, "Correct the name"},
		{"User_name = \"x\"\n", `unknown key "User_name"`, `"user"`},
		{"user = \n", "line 1", "Correct the line"},
		{"allow_tcp = \"yes\"\n", "allow_tcp", "Correct the line"},
		{"\x00\x01", "profile.toml", "Correct the line"},
	} {
		dir := t.TempDir()
		write(t, dir, "profile.toml", c.text)
		_, err := loadProfile(dir, "/nonexistent/policy.toml")
		var bad *ProfileError
		if !errors.As(err, &bad) || !strings.Contains(bad.Error(), c.why) || !strings.Contains(bad.Remedy, c.remedy) {
			t.Errorf("%q: got %v; want %q and %q", c.text, err, c.why, c.remedy)
		}
	}
}
