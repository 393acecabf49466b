-- name: OpenAccount :exec
INSERT INTO accounts (name, balance) VALUES (@name, @balance);

-- name: Balance :one
SELECT balance FROM accounts WHERE name = @name;

-- name: Change :exec
UPDATE accounts SET balance = balance + @amount WHERE name = @name;

-- name: RecordTransfer :execrows
INSERT INTO transfers (key, payer, payee, amount) VALUES (@key, @payer, @payee, @amount) ON CONFLICT (key) DO NOTHING;
