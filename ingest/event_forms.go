package ingest

import (
	"slices"
	"strings"

	"github.com/stakeledger/stakeledger/chain"
)

// eventForm is one of the forms that an event may have.
type eventForm struct {
	fields form[rowReader]
	kind   chain.EventKind // where the form has events of one kind only
	strict bool            // other fields are an error: they may be known ones misspelt
	names  []string        // that are typical of the form
}

// ownForm is our own form, in the order its fields are written, and what else our list of events prints.
var ownForm = eventForm{
	strict: true,
	names:  []string{"kind"},
	fields: form[rowReader]{
		{"coldkey", false, (*scanner).string, (*rowReader).setColdkey},
		{"hotkey", false, (*scanner).string, (*rowReader).setHotkey},
		{"kind", false, (*scanner).string, (*rowReader).setKind},
		{"netuid", false, (*scanner).number, (*rowReader).setNetuid},
		{"extrinsic_id", false, (*scanner).string, (*rowReader).setExtrinsicID},
		{"event_index", true, (*scanner).number, (*rowReader).setEventIndex},
		{"block", true, (*scanner).number, (*rowReader).setBlock},
		{"time", false, (*scanner).string, (*rowReader).setTime},
		{"tao", false, (*scanner).string, (*rowReader).setTAO},
		{"alpha", false, (*scanner).string, (*rowReader).setAlpha},
		{"transfer", true, orNull((*scanner).boolean), (*rowReader).setTransfer},
		{"fee", true, orNull((*scanner).string), (*rowReader).setFee},
		{"usd", true, orNull((*scanner).string), (*rowReader).setUSD},
		{"event_id", true, (*scanner).ignored, (*rowReader).ignore},
		{"outcome", true, (*scanner).ignored, (*rowReader).ignore},
		{"reason", true, (*scanner).ignored, (*rowReader).ignore},
		{"out_of_order", true, (*scanner).ignored, (*rowReader).ignore},
	},
}

// ownFields is for errors. What only our lists print is not worth a mention.
var ownFields = "an event has " + strings.Join(ownForm.fields.names()[:13], ", ")

// tradeForm is a row of our list of trades: the unstake that made the trade.
var tradeForm = eventForm{
	kind:  chain.Unstake,
	names: []string{"trade_id", "exit_time", "exit_tao", "exit_alpha"},
	fields: form[rowReader]{
		{"coldkey", false, (*scanner).string, (*rowReader).setColdkey},
		{"hotkey", false, (*scanner).string, (*rowReader).setHotkey},
		{"netuid", false, (*scanner).number, (*rowReader).setNetuid},
		{"extrinsic_id", false, (*scanner).string, (*rowReader).setExtrinsicID},
		{"event_index", false, (*scanner).number, (*rowReader).setEventIndex},
		{"exit_block", false, (*scanner).number, (*rowReader).setBlock},
		{"exit_time", false, (*scanner).string, (*rowReader).setTime},
		{"exit_tao", false, (*scanner).string, (*rowReader).setTAO},
		{"exit_alpha", false, (*scanner).string, (*rowReader).setAlpha},
		{"transfer", true, orNull((*scanner).boolean), (*rowReader).setTransfer},
		{"fee", true, orNull((*scanner).string), (*rowReader).setFee},
		{"usd", true, orNull((*scanner).string), (*rowReader).setUSD},
	},
}

// positionForm is a row of our list of positions: the stake that opened it.
var positionForm = eventForm{
	kind:  chain.Stake,
	names: []string{"position_id", "entry_time", "entry_tao", "entry_alpha"},
	fields: form[rowReader]{
		{"coldkey", false, (*scanner).string, (*rowReader).setColdkey},
		{"hotkey", false, (*scanner).string, (*rowReader).setHotkey},
		{"netuid", false, (*scanner).number, (*rowReader).setNetuid},
		{"extrinsic_id", false, (*scanner).string, (*rowReader).setExtrinsicID},
		{"event_index", false, (*scanner).number, (*rowReader).setEventIndex},
		{"entry_block", false, (*scanner).number, (*rowReader).setBlock},
		{"entry_time", false, (*scanner).string, (*rowReader).setTime},
		{"entry_tao", false, (*scanner).string, (*rowReader).setTAO},
		{"entry_alpha", false, (*scanner).string, (*rowReader).setAlpha},
		{"transfer", true, orNull((*scanner).boolean), (*rowReader).setTransfer},
		{"fee", true, orNull((*scanner).string), (*rowReader).setFee},
		{"usd", true, orNull((*scanner).string), (*rowReader).setUSD},
	},
}

// delegationForm is a row of Taostats' delegation response, which has much that the ledger has no use for.
var delegationForm = eventForm{
	names: []string{"nominator", "delegate", "action"},
	fields: form[rowReader]{
		{"id", false, (*scanner).string, (*rowReader).setIndexOfID},
		{"block_number", false, (*scanner).number, (*rowReader).setBlock},
		{"timestamp", false, (*scanner).string, (*rowReader).setTime},
		{"action", false, (*scanner).string, (*rowReader).setAction},
		{"nominator", false, (*scanner).account, (*rowReader).setColdkey},
		{"delegate", false, (*scanner).account, (*rowReader).setHotkey},
		{"amount", false, (*scanner).rao, (*rowReader).setTAOInRao},
		{"alpha", false, (*scanner).rao, (*rowReader).setAlphaInRao},
		{"netuid", false, (*scanner).number, (*rowReader).setNetuid},
		{"extrinsic_id", false, (*scanner).string, (*rowReader).setExtrinsicID},
		{"is_transfer", true, orNull((*scanner).boolean), (*rowReader).setTransfer},
		{"fee", true, orNull((*scanner).rao), (*rowReader).setFeeInRao},
		{"usd", true, orNull((*scanner).rao), (*rowReader).setUSD},
	},
}

// eventForms are in the order of how typical their names are.
var eventForms = []*eventForm{&ownForm, &tradeForm, &positionForm, &delegationForm, &chainForm}

// formOf is the first form of which some names are typical; our own where none is.
func formOf(names []string) *eventForm {
	for _, f := range eventForms {
		for _, name := range f.names {
			if slices.Contains(names, name) {
				return f
			}
		}
	}
	return &ownForm
}
