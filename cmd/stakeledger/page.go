package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/ledger"
)

// The parts of the page. All are ours; what others wrote would come with its licence, as NAME.LICENSE.
//
//go:embed web
var webFiles embed.FS

var reportTemplate = template.Must(template.New("report.html").ParseFS(webFiles, "web/report.html"))

// The page's scripts, in the order in which they are joined into one.
var pageScripts = []string{"web/chart.js", "web/table.js", "web/miner.js", "web/report.js"}

// writeHTMLReport makes the page and puts it at path.
func writeHTMLReport(ctx context.Context, cmd *cobra.Command, l *ledger.Ledger, db, path string) (ledger.Basis, error) {
	now := time.Now()
	o, err := readOverview(ctx, l, now)
	if err != nil {
		return o.basis, err
	}
	text, err := renderReport(newReportPage(o, db, now))
	if err != nil {
		return o.basis, err
	}
	if err := replacePage(path, text); err != nil {
		return o.basis, err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "wrote the report to %s\n", escapeControls(path))
	return o.basis, err
}

// renderReport makes the page's text. Everything from the ledger is escaped by the template. In addition,
// the page's content security policy allows no script but its own, and no requests.
func renderReport(p reportPage) ([]byte, error) {
	script, err := joinFiles(webFiles, pageScripts)
	if err != nil {
		return nil, fmt.Errorf("make the report: %w", err)
	}
	script = "(function () {\n\"use strict\";\n" + script + "})();\n"
	style, err := joinFiles(webFiles, []string{"web/report.css"})
	if err != nil {
		return nil, fmt.Errorf("make the report: %w", err)
	}
	hash := sha256.Sum256([]byte(script))
	p.Script, p.Style = template.JS(script), template.CSS(style)
	p.Security = template.HTML(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; ` +
		`script-src 'sha256-` + base64.StdEncoding.EncodeToString(hash[:]) + `'; base-uri 'none'; form-action 'none'">`)
	var b bytes.Buffer
	if err := reportTemplate.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("make the report: %w", err)
	}
	return b.Bytes(), nil
}

// joinFiles is the text of files one after another, each after the licence of whoever wrote it, if that was not us.
func joinFiles(files fs.FS, names []string) (string, error) {
	var b strings.Builder
	for _, name := range names {
		if licence, err := fs.ReadFile(files, name+".LICENSE"); err == nil {
			b.WriteString("/*!\n" + strings.ReplaceAll(string(licence), "*/", "* /") + "\n*/\n")
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return "", err
		}
		b.Write(text)
	}
	return b.String(), nil
}
