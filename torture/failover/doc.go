// Package failover runs a ledger on a primary with two synchronous standbys of
// PostgreSQL and takes them away: the primary is killed and a standby promoted,
// again and again, every server is restarted, all connections stall, and both
// standbys are lost for longer than writers wait. No caller of the ledger may see
// an error but in the last case, nothing that was acknowledged may be lost, and
// every commit of unknown outcome must be settled by running its event again.
//
// It takes minutes, so make test leaves it out.
package failover
