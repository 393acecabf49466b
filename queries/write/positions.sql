-- name: InsertPosition :exec
INSERT INTO positions (position_id, miner_id, netuid, hotkey, extrinsic_id, event_index, event_key,
  entry_block, entry_time, entry_tao, entry_alpha, remaining_alpha, status)
VALUES (@position_id, @miner_id, @netuid, @hotkey, @extrinsic_id, @event_index, @event_key,
  @entry_block, @entry_time, @entry_tao, @entry_alpha, @remaining_alpha, @status);

-- name: ShrinkPosition :exec
UPDATE positions SET
  remaining_alpha = remaining_alpha - @alpha,
  status = @status,
  last_exit_time = @last_exit_time,
  closed_at = @closed_at,
  gain = gain + @gain
WHERE position_id = @position_id;
