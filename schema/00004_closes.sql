-- +goose Up
-- The part of a trade that closed a part of a position. Steps number a trade's closes first in, first out.
-- gain is what counts, after the minimum of blocks and the rule for self-trades; raw_gain is what was earned.
CREATE TABLE closes (
  trade_id       bigint   NOT NULL REFERENCES trades (trade_id),
  step           bigint   NOT NULL,
  position_id    bigint   NOT NULL REFERENCES positions (position_id),
  miner_id       bigint   NOT NULL,
  alpha          rao_int  NOT NULL,
  tao            rao_int  NOT NULL,
  cost           rao_int  NOT NULL,
  raw_gain       rao_int  NOT NULL,
  gain           rao_int  NOT NULL,
  duration_us    bigint   NOT NULL,
  min_blocks_met flag_int NOT NULL,
  self_trade     flag_int NOT NULL,
  PRIMARY KEY (trade_id, step),
  CONSTRAINT closes_position_once UNIQUE (position_id, trade_id),
  CONSTRAINT closes_step_in_range CHECK (typeof(step) = 'integer' AND step >= 0),
  CONSTRAINT closes_alpha_in_range CHECK (typeof(alpha) = 'integer' AND alpha > 0),
  CONSTRAINT closes_tao_in_range CHECK (typeof(tao) = 'integer' AND tao >= 0),
  CONSTRAINT closes_cost_in_range CHECK (typeof(cost) = 'integer' AND cost >= 0),
  CONSTRAINT closes_raw_gain_is_tao_less_cost CHECK (typeof(raw_gain) = 'integer' AND raw_gain = tao - cost),
  CONSTRAINT closes_duration_in_range CHECK (typeof(duration_us) = 'integer' AND duration_us >= 0 AND (self_trade = 0 OR duration_us = 0)),
  CONSTRAINT closes_min_blocks_met_is_flag CHECK (typeof(min_blocks_met) = 'integer' AND min_blocks_met IN (0, 1) AND (self_trade = 0 OR min_blocks_met = 1)),
  CONSTRAINT closes_self_trade_is_flag CHECK (typeof(self_trade) = 'integer' AND self_trade IN (0, 1)),
  CONSTRAINT closes_gain_follows_rules CHECK (typeof(gain) = 'integer' AND (
    (self_trade = 0 AND gain = min_blocks_met * raw_gain) OR (self_trade = 1 AND gain BETWEEN -1000000 AND 1000000)))
) WITHOUT ROWID;

-- A close joins a trade and a position of one miner and one subnet, and cannot take more than is left. It is
-- inserted before its position shrinks, so what is left is what the position says. That the miner exists, the
-- position vouches for.
-- +goose StatementBegin
CREATE TRIGGER closes_insert BEFORE INSERT ON closes
BEGIN
  SELECT RAISE(ABORT, 'closes: this close is already recorded')
  WHERE EXISTS (SELECT 1 FROM closes c WHERE c.trade_id = NEW.trade_id AND c.step = NEW.step)
     OR EXISTS (SELECT 1 FROM closes c WHERE c.position_id = NEW.position_id AND c.trade_id = NEW.trade_id);
  SELECT RAISE(ABORT, 'closes: a close joins a trade and an earlier open position of the same miner and subnet, within what is left of it')
  WHERE NOT EXISTS (
    SELECT 1 FROM positions p JOIN trades t ON t.trade_id = NEW.trade_id
    WHERE p.position_id = NEW.position_id AND p.miner_id = NEW.miner_id AND t.miner_id = NEW.miner_id
      AND p.netuid = t.netuid AND p.entry_time <= t.exit_time
      AND NEW.alpha <= p.remaining_alpha AND NEW.alpha <= t.exit_alpha - t.unmatched_alpha
      AND NEW.tao <= t.exit_tao - t.unmatched_tao AND NEW.cost <= p.entry_tao
      AND NEW.self_trade = (p.extrinsic_id = t.extrinsic_id)
      AND (NEW.self_trade = 1 OR NEW.duration_us = t.exit_time - p.entry_time));
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER closes_update BEFORE UPDATE ON closes
BEGIN
  SELECT RAISE(ABORT, 'closes: a close never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER closes_delete BEFORE DELETE ON closes
WHEN NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id)
BEGIN
  SELECT RAISE(ABORT, 'closes: a close is not deleted without an archived copy');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE closes;
