//go:build cgo || !darwin

package ui

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"communicator/assets"
)

// said are the functions whose first argument is a sentence to translate.
var said = []string{"L", "say", "line", "Explain", "Translate"}

// shown are functions that put their first argument on the screen as it is.
var shown = []string{"NewText", "NewButton", "NewSmallButton", "NewEntry", "NewTextEntry", "NewMenuItem", "NewMenu",
	"item", "key", "SetText", "SetPlaceHolder", "Set", "paragraph", "NewLabel", "ShowConfirm", "ShowCustom", "NewWindow", "SetTitle", "NewNoteLine"}

// literals calls f for every string literal that is the first argument of a call.
func literals(t *testing.T, f func(function, text string, at token.Position)) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	for _, dir := range []string{"view", "text", "widgets"} {
		more, err2 := filepath.Glob(filepath.Join(dir, "*.go"))
		files, err = append(files, more...), firstError(err, err2)
	}
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	set := token.NewFileSet()
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, is := n.(*ast.CallExpr)
			if !is || len(call.Args) == 0 {
				return true
			}
			lit, is := call.Args[0].(*ast.BasicLit)
			if !is || lit.Kind != token.STRING {
				return true
			}
			text, _ := strconv.Unquote(lit.Value)
			switch fun := call.Fun.(type) {
			case *ast.Ident:
				f(fun.Name, text, set.Position(call.Pos()))
			case *ast.SelectorExpr:
				f(fun.Sel.Name, text, set.Position(call.Pos()))
			}
			return true
		})
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Every sentence is in the English catalogue, and every key of it is said.
// WRITE_CATALOGUE=1 writes it anew.
func TestCatalogueIsComplete(t *testing.T) {
	used := map[string]string{}
	literals(t, func(function, text string, _ token.Position) {
		if slices.Contains(said, function) && regexp.MustCompile(`\pL{2}`).MatchString(text) {
			used[text] = text
		}
	})
	if os.Getenv("WRITE_CATALOGUE") != "" {
		text, _ := json.MarshalIndent(used, "", "  ")
		if err := os.WriteFile("../assets/translations/en.json", append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	en := assets.Catalogue("en")
	for text := range used {
		if en[text] == "" {
			t.Errorf("%q is not in assets/translations/en.json (WRITE_CATALOGUE=1 go test ./ui)", text)
		}
	}
	for text := range en {
		if used[text] == "" {
			t.Errorf("%q is in assets/translations/en.json, but nothing says it", text)
		}
	}
}

// What stands on the screen goes through the catalogue.
func TestNothingIsShownUntranslated(t *testing.T) {
	keys := regexp.MustCompile(`^(Ctrl|ui-|presence-|\W*$)`)
	literals(t, func(function, text string, at token.Position) {
		if slices.Contains(shown, function) && text != "" && !keys.MatchString(text) {
			t.Errorf("%s: %s(%q) shows text that is not translated", at, function, text)
		}
	})
}
