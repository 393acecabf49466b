-- name: InsertNote :one
INSERT INTO notes (folder, title, body, written, stars)
VALUES (@folder, @title, @body, @written, @stars)
RETURNING id;

-- name: AddNote :exec
INSERT INTO notes (folder, title) VALUES (@folder, @title);

-- name: AddNoteOrRollBack :exec
INSERT OR ROLLBACK INTO notes (folder, title) VALUES (@folder, @title);

-- name: AddTag :exec
INSERT INTO tags (note_id, name) VALUES (@note_id, @name);

-- name: SetStars :execrows
UPDATE notes SET stars = @stars WHERE folder = @folder;

-- name: SetTitle :execresult
UPDATE notes SET title = @new_title WHERE folder = @folder AND title = @title;

-- name: MoveNotes :many
UPDATE notes SET folder = @new_folder WHERE folder = @folder
RETURNING title;

-- name: DeleteNote :execrows
DELETE FROM notes WHERE folder = @folder AND title = @title;
