CREATE TABLE notes (
  id      INTEGER PRIMARY KEY,
  folder  TEXT NOT NULL,
  title   TEXT NOT NULL,
  body    BLOB,
  written TIMESTAMP,
  stars   INTEGER NOT NULL DEFAULT 0 CONSTRAINT stars_range CHECK (stars BETWEEN 0 AND 5),
  UNIQUE (folder, title)
);

CREATE TABLE tags (
  note_id INTEGER NOT NULL REFERENCES notes (id),
  name    TEXT NOT NULL,
  PRIMARY KEY (note_id, name)
) WITHOUT ROWID;

CREATE TRIGGER five_stars_stay BEFORE DELETE ON notes WHEN old.stars = 5 BEGIN
  SELECT RAISE(ABORT, 'a note with five stars is never deleted');
END;
