package ledger_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

const (
	exampleMiner  = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
	exampleHotkey = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
)

// openExample opens a ledger in a folder that remove removes.
func openExample() (l *ledger.Ledger, remove func()) {
	dir, err := os.MkdirTemp("", "ledger")
	if err != nil {
		log.Fatal(err)
	}
	l, err = ledger.Open(context.Background(), filepath.Join(dir, "ledger.db"))
	if err != nil {
		log.Fatal(err)
	}
	return l, func() {
		if err := l.Close(context.Background()); err != nil {
			log.Print(err)
		}
		os.RemoveAll(dir)
	}
}

// An unstake sells what a stake bought: the position closes, and the gain is
// what the sale brought beyond the cost.
func ExampleLedger_ProcessClose() {
	ctx := context.Background()
	l, remove := openExample()
	defer remove()

	if _, err := l.RegisterMiner(ctx, ledger.Registration{Coldkey: exampleMiner, Hotkey: exampleHotkey, UID: 7}); err != nil {
		log.Fatal(err)
	}
	at, err := chain.ParseTime("2026-01-01T12:00:00Z")
	if err != nil {
		log.Fatal(err)
	}
	stake := ledger.Event{
		Coldkey: exampleMiner, Hotkey: exampleHotkey, Netuid: 64, ExtrinsicID: "1000-0001", Block: 1000, Time: at,
		TAO: 100 * chain.RaoPerTAO, Alpha: 1200 * chain.RaoPerTAO,
	}
	if _, _, err := l.AddPosition(ctx, stake); err != nil {
		log.Fatal(err)
	}
	half := stake
	half.ExtrinsicID, half.Block, half.Time = "9000-0004", 9000, at+86_400_000_000 // a day in microseconds
	half.TAO, half.Alpha = 60*chain.RaoPerTAO, 600*chain.RaoPerTAO
	result, err := l.ProcessClose(ctx, half)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range result.Closes {
		fmt.Println("sold", c.Alpha, "for", c.TAO, "cost", c.Cost, "gain", c.Gain)
	}
	// Output: sold 600.000000000 for 60.000000000 cost 50.000000000 gain 10.000000000
}

// Apply takes a whole input, newest first if it likes; running it again changes
// nothing.
func ExampleLedger_Apply() {
	ctx := context.Background()
	l, remove := openExample()
	defer remove()

	input := `{"coldkey":"` + exampleMiner + `","hotkey":"` + exampleHotkey + `","kind":"unstake","netuid":64,"extrinsic_id":"9000-0004","block":9000,"time":"2026-01-02T12:00:00Z","tao":"60","alpha":"600"}
{"coldkey":"` + exampleMiner + `","hotkey":"` + exampleHotkey + `","kind":"stake","netuid":64,"extrinsic_id":"1000-0001","block":1000,"time":"2026-01-01T12:00:00Z","tao":"100","alpha":"1200"}
`
	for range 2 {
		summary, err := l.Apply(ctx, ingest.Read(strings.NewReader(input), "events.jsonl", ingest.Options{}))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("applied", summary.Applied, "duplicates", summary.Duplicates)
	}
	// Output:
	// applied 2 duplicates 0
	// applied 0 duplicates 2
}

// Methods called with the context of WithTx join its transaction: all of it
// happens, or nothing.
func ExampleLedger_WithTx() {
	ctx := context.Background()
	l, remove := openExample()
	defer remove()

	err := l.WithTx(ctx, func(ctx context.Context, tx ledger.Tx) error {
		if _, err := l.RegisterMiner(ctx, ledger.Registration{Coldkey: exampleMiner}); err != nil {
			return err
		}
		_, err := tx.DB.ExecContext(ctx, "INSERT INTO watched (coldkey) VALUES (?)", exampleMiner)
		return err // there is no such table
	})
	miners, listErr := l.Miners(ctx, ledger.Page[ledger.Miner]{})
	if listErr != nil {
		log.Fatal(listErr)
	}
	fmt.Println(err != nil, len(miners))
	// Output: true 0
}
