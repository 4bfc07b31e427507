package view

import (
	"errors"
	"strconv"

	"communicator/history"
	"communicator/session"
)

// HistoryTrouble says that the history was damaged, or cannot be used.
func HistoryTrouble(e session.HistoryTrouble) Problem {
	if errors.Is(e.Err, history.ErrFull) {
		return Explain("What others write to you stays at the server, and nothing is sent.", e.Err)
	}
	if e.Repair == nil {
		return Explain("Messages are sent and shown, but not kept.", e.Err)
	}
	p := Explain("The history on this computer was damaged. A new one was begun.", e.Repair.Why)
	p.Why = say("Its {{.N}} readable messages were taken over.", "N", strconv.Itoa(e.Repair.Taken))
	p.Remedy = say("Nothing, unless messages are missing: the damaged file is kept as {{.File}}.", "File", e.Repair.Moved)
	return p
}

// historyProblem explains an error of the history.
func historyProblem(doing string, err error) Problem {
	var newer *history.NewerError
	switch {
	case errors.As(err, &newer):
		return Problem{What: doing, Why: say("The history was written by a newer version of this program."), Remedy: say("Use that version here too; the file was not touched.")}
	case errors.Is(err, history.ErrFull):
		return Problem{What: doing, Why: say("There is no room on the disk to keep it."), Remedy: say("Make room on the disk, and try again.")}
	}
	return Problem{What: doing, Why: say("Another window is repairing the history."), Remedy: say("Try again in a minute.")}
}
