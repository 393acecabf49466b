package ledger_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/stakeledger/stakeledger/ledger"
)

// example opens a ledger of two miners, of whom the first gained 5 TAO at noon and 8 TAO three days before,
// and the second lost 1 TAO.
func example(ctx context.Context) (l *ledger.Ledger, done func()) {
	dir, err := os.MkdirTemp("", "ledger")
	if err != nil {
		log.Fatal(err)
	}
	l, err = ledger.Open(ctx, filepath.Join(dir, "ledger.db"))
	if err != nil {
		log.Fatal(err)
	}
	const threeDays = 3 * 24 * 60
	input := []ledger.Event{
		stake("a", -threeDays-600, 100*tao, 10), unstake("b", -threeDays, 108*tao, 10),
		stake("c", -600, 100*tao, 10), unstake("d", 0, 105*tao, 10),
		of(2, stake("a", -600, 100*tao, 10)), of(2, unstake("b", 0, 99*tao, 10)),
	}
	for i := range input {
		input[i].Block = 0 // unknown, so the minimum of blocks does not hold
	}
	if _, err := l.Apply(ctx, sequence(input)); err != nil {
		log.Fatal(err)
	}
	return l, func() { l.Close(ctx); os.RemoveAll(dir) }
}

// Positions that were closed more than two days ago leave the lists.
func ExampleLedger_ArchiveClosedPositions() {
	ctx := context.Background()
	l, done := example(ctx)
	defer done()

	summary, err := l.ArchiveClosedPositions(ctx, noon.Add(-48*time.Hour), ledger.OnArchived(func(s ledger.ArchiveSummary) {
		fmt.Printf("so far: %d positions, %d trades\n", s.Positions, s.Trades)
	}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%+v\n", summary)

	live, _ := l.Positions(ctx, 1, ledger.PositionFilter{}, ledger.Page[ledger.Position]{})
	archived, _ := l.Positions(ctx, 1, ledger.PositionFilter{Archived: true}, ledger.Page[ledger.Position]{})
	m, _ := l.Miner(ctx, 1)
	fmt.Printf("live %d, archived %d, in all %d\n", len(live), len(archived), m.Positions)
	// Output:
	// so far: 1 positions, 0 trades
	// so far: 1 positions, 1 trades
	// {RunID:1 Miners:1 Positions:1 Trades:1 Closes:1}
	// live 1, archived 1, in all 2
}

func ExampleLedger_TakeSnapshot() {
	ctx := context.Background()
	l, done := example(ctx)
	defer done()

	s, _, err := l.TakeSnapshot(ctx, coldkey(1), noon, 7*24*time.Hour)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d positions of %s TAO gained %s TAO, %.1f%% on the mean, and %.0f%% of them won\n",
		s.Positions, s.EntryTAO, s.Gain, s.MeanGainPercent(), s.WinRate())
	if _, ok := s.ScoreValue(); !ok {
		fmt.Println("too few positions for a score")
	}
	// Output:
	// 2 positions of 200.000000000 TAO gained 13.000000000 TAO, 6.5% on the mean, and 100% of them won
	// too few positions for a score
}

// Scores are of every miner; weights go to those who gained.
func ExampleLedger_Scores() {
	ctx := context.Background()
	l, done := example(ctx)
	defer done()

	scores, err := l.Scores(ctx, noon, ledger.DefaultLookback)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range scores {
		fmt.Printf("miner %d: raw %.4f, weight %.2f, days %v\n", s.MinerID, s.Raw, s.Weight, gains(s.Days))
	}
	// Output:
	// miner 1: raw 4.0799, weight 1.00, days [2025-06-12 8.000000000 2025-06-15 5.000000000]
	// miner 2: raw -1.0000, weight 0.00, days [2025-06-15 -1.000000000]
}

func gains(days []ledger.DayGain) (texts []string) {
	for _, d := range days {
		texts = append(texts, d.Day.String()+" "+d.Gain.String())
	}
	return texts
}
