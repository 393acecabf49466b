-- name: AddOrder :one
INSERT INTO orders (email, item) VALUES (@email, @item) RETURNING id;

-- name: OrderByID :one
SELECT * FROM orders WHERE id = @id;

-- name: CountOrders :one
SELECT COUNT(*) FROM orders;
