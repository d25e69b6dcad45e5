package cli

import (
	"context"
	"io"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

type jobExportCmd struct {
	config.Client
	IDs []string `arg:"" optional:"" name:"id" help:"ids of jobs, at most 100; else all of the filter below"`
	jobWords
	Format string `enum:"jsonl,csv" default:"jsonl" help:"jsonl: a job on each line; csv: a table with a heading"`
	To     string `help:"file to write; standard output without it" placeholder:"PATH"`
}

// Help is the long form of the help.
func (jobExportCmd) Help() string {
	return `The newest first. Where more match than the server exports at once (--limit-export-jobs of fleet serve) it is refused: narrow the time or the filter.

Examples:

    fleet job export --status failed --since 168h --format csv --to failed.csv
    fleet job export --workflow 01939c3e-7b1a-7c3d-8e4f-0123456789ab`
}

// Run writes jobs.
func (c *jobExportCmd) Run(ctx context.Context, sh *shell) error {
	in := client.JobExport{Query: c.query(time.Now()), CSV: c.Format == "csv"}
	if len(c.IDs) > 0 && c.narrow() {
		return fleet.Invalid("id", "Give ids or a filter, not both.")
	}
	for _, text := range c.IDs {
		id, err := jobID(text)
		if err != nil {
			return err
		}
		in.Jobs = append(in.Jobs, id)
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	err = sh.into(c.To, "The jobs", func(w io.Writer) error { return api.ExportJobs(ctx, in, w) })
	if err == nil && c.To != "" {
		sh.note("The jobs are in %s.", c.To)
	}
	return err
}
