package ingest_test

import (
	"fmt"
	"strings"

	"github.com/stakeledger/stakeledger/ingest"
)

// The format is found by looking at the input. ledger.Apply takes what Read
// yields; here it is printed. Bad input ends the sequence with one error.
func ExampleRead() {
	input := `kind,coldkey,hotkey,netuid,extrinsic_id,block,time,tao,alpha
stake,5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY,5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty,64,1000-0001,1000,2026-01-01T12:00:00Z,100,1200
unstake,5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY,5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty,64,1100-0001,1100,2026-01-01T12:20:00Z,60,600
unstake,5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY,5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty,64,1100-0002,1100,2026-01-01T12:20:00Z,1e3,600
`
	for event, err := range ingest.Read(strings.NewReader(input), "events.csv", ingest.Options{}) {
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(event.Kind, event.Netuid, event.TAO, event.Alpha)
	}
	// Output:
	// stake 64 100.000000000 1200.000000000
	// unstake 64 60.000000000 600.000000000
	// events.csv:4: field "tao": amount "1e3": not a plain decimal number such as 1.5 or 0.000000001
}
