package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auditchain"
	"github.com/casarerpa/fleet/internal/config"
)

// auditCmds are the verbs for the audit.
type auditCmds struct {
	List   auditListCmd   `cmd:"" help:"show who did what, oldest first"`
	Export auditExportCmd `cmd:"" help:"write the audit as lines of JSON"`
	Verify auditVerifyCmd `cmd:"" help:"prove that nothing in the audit was changed, taken out, moved or put in"`
}

// auditFlags select rows.
type auditFlags struct {
	After   int64     `help:"rows after this number" placeholder:"SEQ"`
	Action  string    `help:"only this, such as robot.update" placeholder:"ACTION"`
	Actor   string    `help:"only by this id of a key, user or robot" placeholder:"ID"`
	Kind    string    `help:"only about things of this kind, such as robot" placeholder:"KIND"`
	Object  string    `help:"only about this id" placeholder:"ID"`
	Outcome string    `help:"done, denied or failed" enum:"done,denied,failed," default:"" placeholder:"OUTCOME"`
	From    time.Time `help:"from this time on, such as 2026-12-31T08:00:00Z" placeholder:"TIME"`
	Until   time.Time `help:"before this time" placeholder:"TIME"`
}

func (f *auditFlags) filter() client.AuditFilter {
	return client.AuditFilter{
		After: f.After, Action: f.Action, ActorID: f.Actor, ObjectKind: fleet.SubjectKind(f.Kind), ObjectID: f.Object,
		Outcome: fleet.AuditOutcome(f.Outcome), From: f.From, To: f.Until,
	}
}

type auditListCmd struct {
	config.Client
	auditFlags
	Limit int `help:"most rows" default:"100" placeholder:"N"`
}

// Run lists rows.
func (c *auditListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	f := c.filter()
	f.Limit = c.Limit
	page, err := api.ListAudit(ctx, f)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, page, func() error {
		t := table{head: []string{"SEQ", "AT", "WHO", "FROM", "DID", "TO", "OUTCOME"}, paint: sh.paint, state: -1}
		for i := range page.Entries {
			e := &page.Entries[i]
			t.add(strconv.FormatInt(e.Seq, 10), wall(e.At), clean(e.Actor.Name), clean(e.Address), clean(e.Action), clean(auditObject(&e.Object)), string(e.Outcome))
		}
		return t.write(sh.out, "Nothing was done yet, or nothing that fits.")
	})
}

func auditObject(o *fleet.AuditObject) string {
	if o.Name != "" {
		return string(o.Kind) + " " + clip(o.Name, 40)
	}
	return string(o.Kind) + " " + o.ID
}

type auditExportCmd struct {
	config.Client
	auditFlags
	To string `help:"file to write; standard output without it" placeholder:"PATH"`
}

// Help is the long form of the help.
func (auditExportCmd) Help() string {
	return `With no filter but --after the rows are a chain, which "fleet audit verify FILE" checks. Rows that a filter selects are for reading: what lies between them is not there to be checked.

Examples:

    fleet audit export --to audit.jsonl
    fleet audit export --outcome denied --from 2026-12-01T00:00:00Z --until 2027-01-01T00:00:00Z --to denied.jsonl`
}

// Run writes the audit.
func (c *auditExportCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	rows := 0
	err = sh.into(c.To, "The audit", func(w io.Writer) error {
		return api.ExportAudit(ctx, c.filter(), func(line json.RawMessage) error {
			rows++
			_, err := w.Write(line)
			if err == nil {
				_, err = io.WriteString(w, "\n")
			}
			return err
		})
	})
	if err == nil && c.To != "" {
		sh.note("%d rows are in %s.", rows, c.To)
	}
	return err
}

type auditVerifyCmd struct {
	config.Client
	File        string   `arg:"" optional:"" help:"an export, which needs no server; without it the server checks its own"`
	After       int64    `help:"the file begins after this row; what was before it is believed" placeholder:"SEQ"`
	Checkpoints string   `help:"file of checkpoints that was kept elsewhere (--audit-checkpoints of fleet serve)" placeholder:"PATH"`
	PublicKey   []string `help:"public key that checks their signatures; fleet serve logs it at its start (repeatable)" placeholder:"KEY" sep:"none"`
	Of          string   `name:"of" help:"tenant whose checkpoints count" default:"default" placeholder:"ID"`
	Seq         int64    `help:"number of a row whose hash was kept elsewhere" placeholder:"SEQ"`
	Hash        string   `help:"that hash: the file must end with it" placeholder:"HASH"`
}

// Help is the long form of the help.
func (auditVerifyCmd) Help() string {
	return `A chain shows that no row in it was touched. That its end was not cut off, or all of it written anew, is shown by what was kept elsewhere: checkpoints, which the server signs, or a hash ("fleet audit list -o json" tells today's as head).

Exit 0: whole. Exit 6: the first row that is wrong is named.`
}

// Run checks the chain.
func (c *auditVerifyCmd) Run(ctx context.Context, sh *shell) error {
	var report client.AuditReport
	if c.File != "" {
		found, err := c.checkFile()
		if err != nil {
			return err
		}
		report = client.AuditReport{Rows: found.Rows, Checkpoints: found.Checkpoints, OtherKey: found.OtherKey, Last: client.AuditAnchor(found.Last)}
		for _, r := range found.Restores {
			report.Restores = append(report.Restores, client.AuditRestore{
				Seq: r.Seq, At: r.At, Generation: r.Generation, BackupAt: r.BackupAt, After: client.AuditAnchor(r.After), LostTo: r.LostTo,
			})
		}
		if f := found.Fault; f != nil {
			report.Fault = &client.AuditFault{Seq: f.Seq, Kind: string(f.Kind), Text: f.Text}
		}
	} else {
		api, err := sh.connect(c.Client)
		if err != nil {
			return err
		}
		if report, err = api.VerifyAudit(ctx); err != nil {
			return err
		}
	}
	err := sh.answer(c.Output, report, func() error {
		if report.Fault != nil {
			return nil
		}
		fmt.Fprintf(sh.out, "The chain is whole: %d rows, %d checkpoints; the last row is %d with hash %s.\n", report.Rows, report.Checkpoints, report.Last.Seq, report.Last.Hash)
		for i := range report.Restores {
			fmt.Fprintln(sh.out, restoreWords(&report.Restores[i]))
		}
		if report.OtherKey > 0 {
			fmt.Fprintf(sh.out, "%d checkpoints from before a restore are signed with another key, so nobody can say that they are genuine.\n", report.OtherKey)
		}
		return nil
	})
	if err == nil && report.Fault != nil {
		return fleet.Errorf(fleet.CodeConflict, "audit_broken", "The audit is not what was written (%s at row %d). %s", report.Fault.Kind, report.Fault.Seq, report.Fault.Text)
	}
	return err
}

// restoreWords says what a restore has done to the chain.
func restoreWords(r *client.AuditRestore) string {
	text := fmt.Sprintf("Row %d: the store was restored at %s from a backup of %s (generation %d). What was written after row %d is gone",
		r.Seq, r.At.UTC().Format(time.RFC3339), r.BackupAt.UTC().Format(time.RFC3339), r.Generation, r.After.Seq)
	if r.LostTo > 0 {
		text += fmt.Sprintf(", at least up to row %d, of which there is a checkpoint", r.LostTo)
	}
	return text + "."
}

// checkFile goes through an export.
func (c *auditVerifyCmd) checkFile() (report auditchain.Report, err error) {
	f, err := os.Open(c.File)
	if err != nil {
		return report, fleet.Errorf(fleet.CodeInvalid, "file", "%s cannot be read: %w.", c.File, cause(err))
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var head *auditchain.Anchor
	if c.Hash != "" {
		head = &auditchain.Anchor{Seq: c.Seq, Hash: c.Hash}
	}
	points, err := c.points()
	if err != nil {
		return report, err
	}
	return checkLines(f, c.After, points, c.PublicKey, head)
}

// points reads the checkpoints that were kept.
func (c *auditVerifyCmd) points() (out []auditchain.Checkpoint, err error) {
	if c.Checkpoints == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.Checkpoints)
	if err != nil {
		return nil, fleet.Errorf(fleet.CodeInvalid, "file", "%s cannot be read: %w.", c.Checkpoints, cause(err))
	}
	for n, line := range bytes.Split(bytes.TrimSpace(text), []byte{'\n'}) {
		var p auditchain.Checkpoint
		if err := json.Unmarshal(line, &p); err != nil {
			return nil, fleet.Invalid("checkpoints", "Line %d of %s is no checkpoint: %v.", n+1, c.Checkpoints, err)
		}
		if string(p.Tenant) == c.Of {
			out = append(out, p)
		}
	}
	return out, nil
}

// checkLines checks rows as an export has them, one on each line, that begin
// after a number.
func checkLines(from io.Reader, after int64, points []auditchain.Checkpoint, public []string, head *auditchain.Anchor) (report auditchain.Report, err error) {
	const longest = 16 << 20
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, longest)
	check := auditchain.From(auditchain.Start()).Hold(points, public...)
	for n := 1; lines.Scan(); n++ {
		var e fleet.AuditEntry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return report, fleet.Invalid("file", "Line %d is no row of an audit: %v.", n, err)
		}
		if n == 1 && after > 0 {
			check = auditchain.From(auditchain.Anchor{Seq: after, Hash: e.PrevHash}).Hold(points, public...)
		}
		check.Take(e)
	}
	if err := lines.Err(); err != nil {
		return report, fleet.Errorf(fleet.CodeInvalid, "file", "The file cannot be read: %w.", err)
	}
	return check.End(head), nil
}
