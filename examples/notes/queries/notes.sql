-- name: AddNote :one
INSERT INTO notes (title, body, written) VALUES (@title, @body, @written) RETURNING id;

-- name: Notes :many
SELECT * FROM notes ORDER BY id;

-- name: RenameNote :execrows
UPDATE notes SET title = @title WHERE id = @id;
