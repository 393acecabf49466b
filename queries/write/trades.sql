-- name: InsertTrade :exec
INSERT INTO trades (trade_id, miner_id, netuid, hotkey, extrinsic_id, event_index, event_key,
  exit_block, exit_time, exit_tao, exit_alpha, unmatched_alpha, unmatched_tao)
VALUES (@trade_id, @miner_id, @netuid, @hotkey, @extrinsic_id, @event_index, @event_key,
  @exit_block, @exit_time, @exit_tao, @exit_alpha, @unmatched_alpha, @unmatched_tao);

-- name: InsertClose :exec
INSERT INTO closes (trade_id, step, position_id, miner_id, event_key, alpha, tao, cost, raw_gain, gain, duration_us,
  min_blocks_met, self_trade)
VALUES (@trade_id, @step, @position_id, @miner_id, @event_key, @alpha, @tao, @cost, @raw_gain, @gain, @duration_us,
  @min_blocks_met, @self_trade);
