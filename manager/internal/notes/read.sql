-- name: Note :one
SELECT * FROM notes WHERE folder = @folder AND title = @title;

-- name: Titles :many
SELECT title FROM notes WHERE folder = @folder ORDER BY id;

-- name: CountNotes :one
SELECT COUNT(*) FROM notes;

-- name: CountTags :one
SELECT COUNT(*) FROM tags;
