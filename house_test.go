// Package communicator is the root of the module. It holds the house rules, as
// tests, and nothing else; the program is in cmd/communicator.
package communicator

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "communicator/"

// layers says which of our packages each folder may import (docs/architecture.md,
// "Layers"). A folder that is not listed may import none; a trailing slash
// stands for everything below.
var layers = map[string][]string{
	"address":          {},
	"assets":           {},
	"autoconfig":       {"plain"},
	"calendar":         {"wire/auth", "plain"},
	"cmd/communicator": {"session", "ui/", "ui", "lab", "autoconfig", "calendar", "contacts", "directory", "directory/addressbook", "history", "im", "plain", "presence", "assets"},
	"contacts":         {"address", "plain"},
	"dialect/simple":   {"wire/", "contacts", "presence", "plain", "inorder"},
	"directory":        {"contacts", "plain"},
	"filelock":         {},
	"history":          {"address", "plain", "filelock"},
	"im":               {"wire/", "address", "plain", "inorder"},
	"inorder":          {},
	"interop":          {"session", "autoconfig", "calendar", "contacts", "directory", "directory/addressbook", "im", "presence", "lab"},
	"lab":              {"wire/"},
	"plain":            {},
	"presence":         {"plain"},
	"session":          {"wire/", "inorder", "dialect/", "autoconfig", "calendar", "contacts", "directory", "directory/addressbook", "history", "im", "plain", "presence"},
	"ui":               {"ui/", "session", "autoconfig", "calendar", "contacts", "directory", "directory/addressbook", "history", "im", "inorder", "plain", "presence", "assets"},
	"ui/idle":          {},
	"ui/pictures":      {"ui", "ui/", "session", "contacts", "im", "assets"},
	"wire/auth":        {},
	"wire/msrp":        {},
	"wire/cpim":        {},
	"wire/pidf":        {"plain"},
	"wire/sipconn":     {"plain", "wire/auth"},

	"directory/addressbook": {"directory", "contacts", "plain", "filelock"},
}

// pure packages hold rules that users argue about, so they must be testable by
// tables: no goroutine, lock, clock or I/O.
var pure = []string{"address", "contacts", "plain", "presence", "wire/cpim", "wire/pidf"}

// impure are imports and calls that a pure package does without.
var impure = regexp.MustCompile(`^(net|net/http|os|os/.*|sync|sync/.*|io/ioutil|context|log|log/slog)$`)

const (
	fileLimit     = 600 // lines
	functionLimit = 100 // lines, unless a comment above excuses it with "long:"
)

// source is one parsed Go file.
type source struct {
	path   string // slash-separated, relative to the root
	folder string
	test   bool
	file   *ast.File
	lines  int
}

var fileset = token.NewFileSet()

// sources parses every Go file of the module.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		f, err := parser.ParseFile(fileset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		path = filepath.ToSlash(path)
		all = append(all, source{
			path: path, folder: strings.TrimSuffix(path[:strings.LastIndex("/"+path, "/")], "/"),
			test: strings.HasSuffix(path, "_test.go"), file: f,
			lines: fileset.File(f.Pos()).LineCount(),
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// imports returns the paths that a file imports.
func (s source) imports() []string {
	var paths []string
	for _, i := range s.file.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		paths = append(paths, p)
	}
	return paths
}

// within finds the nearest folder of table that holds folder.
func within[T any](table map[string]T, folder string) (rule T, found bool) {
	for f := folder; f != "." && f != ""; f = filepath.ToSlash(filepath.Dir(f)) {
		if rule, found = table[f]; found {
			return rule, true
		}
	}
	return rule, false
}

func TestLayers(t *testing.T) {
	for _, s := range sources(t) {
		allowed, known := within(layers, s.folder)
		if !known && s.folder != "" {
			t.Errorf("%s: folder %q is not in the layers of house_test.go", s.path, s.folder)
		}
		for _, p := range s.imports() {
			ours, is := strings.CutPrefix(p, module)
			if !is || s.test || ours == s.folder {
				continue
			}
			if !slices.ContainsFunc(allowed, func(a string) bool {
				return ours == a || strings.HasSuffix(a, "/") && strings.HasPrefix(ours, a)
			}) {
				t.Errorf("%s imports %s, which its layer does not allow", s.path, p)
			}
		}
	}
}

// The client's thinking must not test itself, so this holds for tests as well.
func TestLabImportsOnlyWire(t *testing.T) {
	for _, s := range sources(t) {
		for _, p := range s.imports() {
			if s.folder == "lab" && strings.HasPrefix(p, module) && !strings.HasPrefix(p, module+"wire/") {
				t.Errorf("%s imports %s; the lab imports wire/ only", s.path, p)
			}
		}
	}
}

func TestFyneStaysInTheWindow(t *testing.T) {
	for _, s := range sources(t) {
		for _, p := range s.imports() {
			if !strings.HasPrefix(p, "fyne.io/fyne/v2") {
				continue
			}
			app := p == "fyne.io/fyne/v2/app" || strings.HasPrefix(p, "fyne.io/fyne/v2/internal")
			if app && s.path != "cmd/communicator/window.go" {
				t.Errorf("%s imports %s; only cmd/communicator/window.go opens real windows", s.path, p)
			}
			if !strings.HasPrefix(s.folder, "ui") && s.folder != "cmd/communicator" ||
				s.folder == "ui/view" || s.folder == "ui/text" {
				t.Errorf("%s imports %s; Fyne belongs to the window", s.path, p)
			}
		}
		if strings.HasPrefix(s.folder, "ui") && !s.test && slices.Contains(s.imports(), "net") {
			t.Errorf("%s imports net; the window has no business on the network", s.path)
		}
	}
}

// Then all tests of the window build without cgo, X libraries and a display.
func TestWindowNeedsNoDriverToBuild(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./ui/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "internal/driver/glfw") {
		t.Error("ui/ depends on Fyne's GL driver")
	}
}

func TestPurePackages(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || !slices.Contains(pure, s.folder) {
			continue
		}
		for _, p := range s.imports() {
			if impure.MatchString(p) {
				t.Errorf("%s imports %s; %s is a pure package", s.path, p, s.folder)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s: goroutine in a pure package", fileset.Position(n.Pos()))
			case *ast.SelectorExpr:
				x, _ := n.X.(*ast.Ident)
				if x != nil && x.Name == "time" && slices.Contains([]string{"Now", "Sleep", "After", "Since", "Until", "NewTimer", "NewTicker", "AfterFunc"}, n.Sel.Name) {
					t.Errorf("%s: time.%s in a pure package; time comes in as an argument", fileset.Position(n.Pos()), n.Sel.Name)
				}
			}
			return true
		})
	}
}

func TestPackageComments(t *testing.T) {
	commented := map[string]bool{}
	for _, s := range sources(t) {
		if !s.test || s.folder == "" || s.folder == "interop" {
			commented[s.folder] = commented[s.folder] || s.file.Doc != nil && len(s.file.Doc.Text()) > 40
		}
	}
	for folder, ok := range commented {
		if !ok {
			t.Errorf("package in %q has no package comment", folder)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, s := range sources(t) {
		if s.lines > fileLimit {
			t.Errorf("%s has %d lines; the limit is %d: split it by topic", s.path, s.lines, fileLimit)
		}
		for _, d := range s.file.Decls {
			f, is := d.(*ast.FuncDecl)
			if !is || f.Body == nil || strings.Contains(f.Doc.Text(), "long:") {
				continue
			}
			if n := fileset.Position(f.End()).Line - fileset.Position(f.Pos()).Line; n > functionLimit {
				t.Errorf("%s: %s has %d lines; the limit is %d", s.path, f.Name.Name, n, functionLimit)
			}
		}
	}
}

var vague = regexp.MustCompile(`(?i)manager$|helper|util|^common$`)

// Names that say nothing hide what a thing is for. The manager in the
// organisation chart is a person, so fields of that name are fine.
func TestNames(t *testing.T) {
	for _, s := range sources(t) {
		if vague.MatchString(filepath.Base(s.folder)) || vague.MatchString(strings.TrimSuffix(filepath.Base(s.path), ".go")) {
			t.Errorf("%s: vague name", s.path)
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if d, is := n.(*ast.TypeSpec); is && vague.MatchString(d.Name.Name) {
				t.Errorf("%s: type %s has a vague name", fileset.Position(d.Pos()), d.Name.Name)
			}
			return true
		})
	}
}

func TestNoMutableGlobalsNorInit(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, is := d.(*ast.FuncDecl); is && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: init function", fileset.Position(f.Pos()))
			}
		}
		for name, at := range assigned(s) {
			t.Errorf("%s: package-level variable %s is changed at run time", at, name)
		}
	}
}

// assigned finds assignments to package-level variables of the same file.
func assigned(s source) map[string]token.Position {
	//lint:ignore SA1019 without types: a file resolves its own package-level names well enough here
	globals := map[*ast.Object]bool{}
	for name, o := range s.file.Scope.Objects {
		if o.Kind == ast.Var && name != "_" {
			globals[o] = true
		}
	}
	found := map[string]token.Position{}
	ast.Inspect(s.file, func(n ast.Node) bool {
		a, is := n.(*ast.AssignStmt)
		if !is || a.Tok == token.DEFINE {
			return true
		}
		for _, l := range a.Lhs {
			if id, is := l.(*ast.Ident); is && id.Obj != nil && globals[id.Obj] {
				found[id.Name] = fileset.Position(a.Pos())
			}
		}
		return true
	})
	return found
}

var (
	cited    = regexp.MustCompile(`\b(RFC \d{3,5}|ECMA-\d{3}|TR/87)\b`)
	insecure = regexp.MustCompile(`Insecure` + `SkipVerify`)
)

// Every document that the code cites is listed with its state.
func TestStandardsAreListed(t *testing.T) {
	list, err := os.ReadFile("docs/standards.md")
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]string{}
	for _, s := range sources(t) {
		for _, g := range s.file.Comments {
			for _, doc := range cited.FindAllString(g.Text(), -1) {
				if !regexp.MustCompile(regexp.QuoteMeta(doc) + `\b`).Match(list) {
					missing[doc] = s.path
				}
			}
		}
	}
	for doc, path := range missing {
		t.Errorf("%s, cited in %s, is not in docs/standards.md", doc, path)
	}
}

func TestTLSIsAlwaysVerified(t *testing.T) {
	for _, s := range sources(t) {
		text, err := os.ReadFile(s.path)
		if err != nil {
			t.Fatal(err)
		}
		if insecure.Match(text) {
			t.Errorf("%s switches TLS verification off", s.path)
		}
	}
}

// Every parser of network input is fuzzed.
func TestParsersAreFuzzed(t *testing.T) {
	fuzzed := map[string]bool{}
	parses := map[string]string{}
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			f, is := d.(*ast.FuncDecl)
			if !is {
				continue
			}
			if s.test && strings.HasPrefix(f.Name.Name, "Fuzz") {
				fuzzed[s.folder] = true
			}
			if !s.test && strings.HasPrefix(f.Name.Name, "Parse") {
				parses[s.folder] = f.Name.Name
			}
		}
	}
	for folder, name := range parses {
		if strings.HasPrefix(folder, "wire/") && !fuzzed[folder] {
			t.Errorf("%s has %s but no fuzz target", folder, name)
		}
	}
}
