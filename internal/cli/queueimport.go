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

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

type queueImportCmd struct {
	config.Client
	oneQueue
	File string `help:"file with one item on each line; - is standard input" default:"-" placeholder:"PATH"`
}

// Help is the long form of the help.
func (queueImportCmd) Help() string {
	return `Each line is an object with reference, data, priority, deadline, not_before and labels, all of which may be left out. Any number of lines is sent, in parts. Lines that are refused are named; the others are added.

Example:

    printf '{"reference":"4711","data":{"amount":12}}\n' | fleet queue import invoices`
}

// The bounds of one part.
const (
	importLines = 1000
	importBytes = 8 << 20
	importLine  = 1 << 20
)

// Run imports items.
func (c *queueImportCmd) Run(ctx context.Context, sh *shell) error {
	from := sh.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if errors.Is(err, os.ErrNotExist) {
			return fleet.Errorf(fleet.CodeInvalid, "no_such_file", "There is no file %s.", c.File)
		}
		if err != nil {
			return err
		}
		defer f.Close()
		from = f
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	im := &importing{api: api, queue: c.Queue, sh: sh}
	if err := im.all(ctx, from); err != nil {
		return err
	}
	err = sh.answer(c.Output, map[string]any{"added": im.added, "refused": im.refused}, func() error {
		_, err := fmt.Fprintf(sh.out, "%d items were added, %d were refused.\n", im.added, im.refused)
		return err
	})
	if err == nil && im.refused > 0 {
		err = fleet.Errorf(fleet.CodeConflict, "items_refused", "%d of %d items were refused.", im.refused, im.added+im.refused)
	}
	return err
}

// importing is an import under way.
type importing struct {
	api            *client.Client
	sh             *shell
	queue          string
	lines          []int
	items          []fleet.ItemSpec
	size           int
	added, refused int
}

func (m *importing) all(ctx context.Context, from io.Reader) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, importLine)
	for n := 1; lines.Scan(); n++ {
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		var spec fleet.ItemSpec
		if err := json.Unmarshal(text, &spec); err != nil {
			m.refuse(n, err)
			continue
		}
		m.lines, m.items, m.size = append(m.lines, n), append(m.items, spec), m.size+len(text)
		if len(m.items) == importLines || m.size >= importBytes {
			if err := m.send(ctx); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fleet.Invalid("file", "A line has more than %d bytes, or cannot be read.", importLine)
	}
	return m.send(ctx)
}

func (m *importing) refuse(line int, err error) {
	m.refused++
	m.sh.note("line %d: %v", line, err)
}

func (m *importing) send(ctx context.Context) error {
	if len(m.items) == 0 {
		return nil
	}
	rows, err := m.api.AddItems(ctx, m.queue, m.items, false)
	if err != nil {
		if len(m.lines) > 0 && m.added > 0 {
			m.sh.note("%d items were added before line %d.", m.added, m.lines[0])
		}
		return err
	}
	for k, row := range rows {
		if row.Err != nil {
			m.refuse(m.lines[k], row.Err)
		} else {
			m.added++
		}
	}
	m.lines, m.items, m.size = nil, nil, 0
	return nil
}

type queueExportCmd struct {
	config.Client
	oneQueue
	To    string   `help:"file to write; standard output if left out" placeholder:"PATH"`
	After fleet.ID `help:"the last item of the export before" placeholder:"ID"`
}

// Run exports items.
func (c *queueExportCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	to := sh.out
	if c.To != "" {
		f, err := os.OpenFile(c.To, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		to = f
	}
	w, rows := bufio.NewWriter(to), 0
	err = api.ExportItems(ctx, c.Queue, c.After, func(line json.RawMessage) error {
		rows++
		if _, err := w.Write(line); err != nil {
			return err
		}
		return w.WriteByte('\n')
	})
	if err = errors.Join(err, w.Flush()); err == nil && c.To != "" {
		sh.note("%d items are in %s.", rows, c.To)
	}
	return err
}
