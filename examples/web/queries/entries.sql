-- name: AddEntry :exec
INSERT INTO entries (name, text) VALUES (@name, @text);

-- name: LatestEntries :many
SELECT * FROM entries ORDER BY id DESC LIMIT CAST(@most AS INTEGER);
