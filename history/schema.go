package history

import "fmt"

// migrations bring a file from form N to form N+1; PRAGMA user_version has its
// form. What is here has been released and is never changed: add to it.
var migrations = []string{
	`
CREATE TABLE people (id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE);
CREATE TABLE talks (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE circles ( -- who sees a conversation that everyone sees
	id INTEGER PRIMARY KEY,
	title TEXT NOT NULL,
	members TEXT NOT NULL, -- addresses, joined by commas
	UNIQUE (title, members)
);
CREATE TABLE entries (
	id INTEGER PRIMARY KEY, -- its time in microseconds since 1970, made unique: so all is in order of time
	talk INTEGER NOT NULL, -- 0: it went to several people separately, and is in the talks that places says
	circle INTEGER NOT NULL, -- 0: none
	sender INTEGER NOT NULL, -- of people
	own INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	read INTEGER NOT NULL,
	late INTEGER NOT NULL,
	request INTEGER NOT NULL,
	mark BLOB NOT NULL UNIQUE, -- what it is recognised by
	message TEXT NOT NULL, -- Message-ID
	text TEXT NOT NULL,
	raw TEXT NOT NULL,
	notice TEXT NOT NULL,
	added TEXT NOT NULL -- addresses, joined by commas
);
CREATE INDEX entries_talk ON entries (talk);
CREATE INDEX entries_own ON entries (message) WHERE own;
CREATE INDEX entries_unread ON entries (talk) WHERE NOT read;
CREATE INDEX entries_request ON entries (talk) WHERE request;
CREATE TABLE recipients (
	entry INTEGER NOT NULL,
	person INTEGER NOT NULL,
	state INTEGER NOT NULL, -- place in States
	code INTEGER NOT NULL,
	reason TEXT NOT NULL,
	took INTEGER NOT NULL, -- milliseconds
	plain INTEGER NOT NULL,
	blocked INTEGER NOT NULL,
	PRIMARY KEY (entry, person)
) WITHOUT ROWID;
CREATE TABLE places (talk INTEGER NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (talk, entry)) WITHOUT ROWID;
CREATE TABLE calls (entry INTEGER PRIMARY KEY, device TEXT NOT NULL, reason TEXT NOT NULL, length INTEGER NOT NULL); -- milliseconds
CREATE TABLE unsent (entry INTEGER PRIMARY KEY, holder TEXT NOT NULL); -- which process is to send it
CREATE TABLE seen (mark BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID; -- recognised, though no longer kept; at as id of entries

-- The conversation is a word of its own column, so that a search in one does not
-- read what was said in all the others.
CREATE VIRTUAL TABLE words USING fts5(text, talk, content='entries', content_rowid='id', prefix='2 3 4 5', columnsize=0, tokenize="unicode61 remove_diacritics 2");
INSERT INTO words(words, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER entries_added AFTER INSERT ON entries BEGIN
	INSERT INTO words(rowid, text, talk) VALUES (new.id, new.text, new.talk);
END;
CREATE TRIGGER entries_removed AFTER DELETE ON entries BEGIN
	INSERT INTO words(words, rowid, text, talk) VALUES ('delete', old.id, old.text, old.talk);
END;
`,
}

// migrate brings the file into the present form.
func (c *conn) migrate(file string) error {
	return c.transaction(func() error {
		r, err := c.first("PRAGMA user_version")
		if err != nil {
			return err
		}
		form := int(r.number(0))
		if form > len(migrations) {
			return &NewerError{File: file, Have: form, Known: len(migrations)}
		}
		for ; form < len(migrations); form++ {
			if err := c.script(migrations[form]); err != nil {
				return fmt.Errorf("bring the history into form %d: %w", form+1, err)
			}
		}
		return c.script(fmt.Sprintf("PRAGMA user_version = %d", form))
	})
}
