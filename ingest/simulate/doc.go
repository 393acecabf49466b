// Package simulate makes up stake events that look like those of the chain, for trying out a ledger,
// for its tests and for measuring it.
//
//	rows, err := simulate.Events(simulate.Config{Seed: 1, Events: 100_000})
//	…
//	_, err = ingest.WriteJSONL(os.Stdout, rows)
//
// The same [Config] gives the same rows, to the byte, on every platform: chance comes from a seeded
// generator and every amount is computed in whole rao.
//
// # What happens
//
// Miners, some of them far busier than others, stake TAO into the few subnets each of them trades in,
// through the hotkeys of several validators, at prices that move with every trade, and sell again: a
// part, all of it, or more than they bought, since stake earns alpha on the way. Blocks are 12 seconds
// apart. Extrinsics are named as the chain names them, "1895779-0014".
//
// A few in a hundred extrinsics are something a ledger must know how to take: batches of several events, moves from
// subnet to subnet, stakes and unstakes of the same alpha in one extrinsic, transfers, amounts of zero,
// stakes on the root network (netuid 0), and unstakes of a miner that holds nothing. Some rows come late, after
// younger ones, and some come twice.
package simulate
