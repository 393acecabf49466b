package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"fmt"
	"html/template"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// The parts of the page. uPlot, which draws the chart, is Leon Sorokin's; its licence goes with it.
var (
	//go:embed web/report.html
	reportHTML string
	//go:embed web/report.css
	reportCSS string
	//go:embed web/report.js
	reportJS string
	//go:embed web/uplot.min.css
	uplotCSS string
	//go:embed web/uplot.min.js
	uplotJS string
	//go:embed web/uplot.LICENSE
	uplotLicence string
)

var reportTemplate = template.Must(template.New("report").Parse(reportHTML))

// overview is what the page is made of, read in one snapshot.
type overview struct {
	miners []ledger.Miner
	uids   map[int64][]chain.UID
	days   []ledger.MinerDay
	open   []ledger.Exposure
}

func readOverview(ctx context.Context, l *ledger.Ledger) (o overview, err error) {
	err = l.ReadOnly(ctx, func(ctx context.Context, _ *ledger.Reader) (err error) {
		o = overview{}
		for m, err := range pages(func(p ledger.Page[ledger.Miner]) ([]ledger.Miner, error) { return l.Miners(ctx, p) }) {
			if err != nil {
				return err
			}
			o.miners = append(o.miners, m)
		}
		if o.uids, err = heldUIDs(ctx, l); err != nil {
			return err
		}
		if o.days, err = l.GainsByDay(ctx); err != nil {
			return err
		}
		o.open, err = l.OpenExposures(ctx)
		return err
	})
	return o, err
}

// writeHTMLReport makes the page and puts it at path.
func writeHTMLReport(ctx context.Context, cmd *cobra.Command, l *ledger.Ledger, db, path string) error {
	o, err := readOverview(ctx, l)
	if err != nil {
		return err
	}
	text, err := renderReport(newReportPage(o, db, time.Now()))
	if err != nil {
		return err
	}
	if err := replacePage(path, text); err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "wrote the report to %s\n", printable(path))
	return err
}

// renderReport makes the page's text. Whatever comes from the ledger passes the template's escaping; and the
// policy lets no script run but ours, and nothing be fetched, should anything ever get through.
func renderReport(p reportPage) ([]byte, error) {
	script := "/*!\n" + uplotLicence + "\n*/\n" + uplotJS + "\n" + reportJS
	hash := sha256.Sum256([]byte(script))
	p.Script, p.Style = template.JS(script), template.CSS(uplotCSS+"\n"+reportCSS)
	p.Policy = template.HTML(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; ` +
		`script-src 'sha256-` + base64.StdEncoding.EncodeToString(hash[:]) + `'; base-uri 'none'; form-action 'none'">`)
	var b bytes.Buffer
	if err := reportTemplate.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("make the report: %w", err)
	}
	return b.Bytes(), nil
}
