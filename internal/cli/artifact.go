package cli

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/internal/config"
)

// artifactCmds are the verbs for files that jobs left.
type artifactCmds struct {
	List artifactListCmd `cmd:"" help:"list the files that a job left"`
	Get  artifactGetCmd  `cmd:"" help:"fetch one of them"`
}

type artifactListCmd struct {
	config.Client
	Job string `arg:"" help:"id of the job"`
}

// Run lists files.
func (c *artifactListCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.jobCall(c.Client, c.Job)
	if err != nil {
		return err
	}
	list, err := api.Artifacts(ctx, id)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, list, func() error {
		t := table{head: []string{"NAME", "ATTEMPT", "NODE", "TYPE", "BYTES", "MADE"}, paint: sh.paint, state: -1}
		for _, a := range list.Artifacts {
			t.add(clean(a.Name), strconv.FormatInt(a.Epoch, 10), dash(clean(a.Node)), clean(a.Type), strconv.FormatInt(a.Size, 10), ago(a.CreatedAt, time.Now()))
		}
		return t.write(sh.out, "The job left no files. What its workflow writes into the folder artifacts is kept.")
	})
}

type artifactGetCmd struct {
	config.Client
	Job     string `arg:"" help:"id of the job"`
	Name    string `arg:"" help:"name of the file"`
	Attempt int64  `help:"of this attempt; default: the newest that has it" placeholder:"NUMBER"`
	File    string `short:"f" help:"write it there; default: standard output" placeholder:"PATH"`
}

// Help is the long form of the help.
func (artifactGetCmd) Help() string {
	return `A file that is there already is not overwritten.

Example:

    fleet artifact get ID page.png --file page.png`
}

// Run fetches a file.
func (c *artifactGetCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.jobCall(c.Client, c.Job)
	if err != nil {
		return err
	}
	body, err := api.GetArtifact(ctx, id, c.Attempt, c.Name)
	if err != nil {
		return err
	}
	err = sh.into(c.File, "The file", func(w io.Writer) error {
		_, err := w.Write(body)
		return err
	})
	if err == nil && c.File != "" {
		sh.note("%d bytes are in %s.", len(body), c.File)
	}
	return err
}
