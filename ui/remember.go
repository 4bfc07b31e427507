//go:build cgo || !darwin

package ui

import (
	"slices"

	"communicator/contacts"
	"communicator/ui/theme"
	"communicator/ui/view"
)

// What the user has arranged is kept with Fyne's preferences, per computer: it
// is about this screen, not about people.
const (
	keptLook    = "look"
	keptPercent = "text-percent"
	keptCompact = "compact"
	keptOrder   = "order"
	keptFolded  = "folded-groups"
	keptShown   = "unfolded-groups"
)

// manyMembers is from how many people on a group is folded when it is first
// seen.
const manyMembers = 20

// recallLook sets light or dark and the text size as they were left.
func (a *App) recallLook() {
	p := a.o.App.Preferences()
	a.mode = theme.Mode(p.IntWithFallback(keptLook, int(a.mode)))
	a.percent = p.IntWithFallback(keptPercent, a.percent)
}

func (a *App) keepLook() {
	a.o.App.Preferences().SetInt(keptLook, int(a.mode))
	a.o.App.Preferences().SetInt(keptPercent, a.percent)
}

// recall arranges the list as it was left.
func (p *mainPage) recall() {
	kept := p.app.o.App.Preferences()
	p.compact = kept.Bool(keptCompact)
	p.order = view.Order(kept.Int(keptOrder))
	for _, g := range kept.StringList(keptFolded) {
		p.folded[g] = true
	}
	for _, g := range kept.StringList(keptShown) {
		p.folded[g] = false
	}
}

// keep remembers how the list is arranged.
func (p *mainPage) keep() {
	kept := p.app.o.App.Preferences()
	kept.SetBool(keptCompact, p.compact)
	kept.SetInt(keptOrder, int(p.order))
	kept.SetStringList(keptFolded, names(p.folded, true))
	kept.SetStringList(keptShown, names(p.folded, false))
}

// names are the groups that have that value, sorted.
func names(groups map[string]bool, value bool) []string {
	var some []string
	for g, v := range groups {
		if v == value {
			some = append(some, g)
		}
	}
	slices.Sort(some)
	return some
}

// foldLarge folds groups of many people that are seen for the first time.
func (p *mainPage) foldLarge(l contacts.List) {
	for _, g := range l.Groups {
		if _, known := p.folded[g.Name]; !known && len(g.Members) > manyMembers {
			p.folded[g.Name] = true
		}
	}
}
