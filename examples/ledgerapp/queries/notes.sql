-- name: AddNote :one
INSERT INTO mine_notes (coldkey, body) VALUES (@coldkey, @body) RETURNING id;

-- name: Notes :many
SELECT body FROM mine_notes WHERE coldkey = @coldkey ORDER BY id;
