package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/casarerpa"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// Imported tells what became of one thing of CasareRPA.
type Imported struct {
	Kind   string `json:"kind"` // robot, key, workflow, schedule, jobs, table
	ID     string `json:"id"`   // of jobs: their status
	Name   string `json:"name,omitempty"`
	Fate   string `json:"fate"` // taken, there, left
	Reason string `json:"reason,omitempty"`
	Number int64  `json:"number,omitempty"` // of jobs: how many
}

// ImportOptions say what an import is to do.
type ImportOptions struct {
	From   string // the database of CasareRPA
	Tokens string // ROBOT_TOKENS of its server
	Apply  bool   // without it nothing is changed
	// HistoryDays is how long ago a job may have ended that is taken over; 0: any time.
	HistoryDays int
	// EnableSchedules lets schedules go on that were taken over and are enabled
	// there. They wait for it, so that two orchestrators do not run the same.
	EnableSchedules bool
}

// stopImport is how long the end of an import may take.
const stopImport = 20 * time.Second

// The fates.
const (
	fateTaken = "taken" // or would be, in a dry run
	fateThere = "there" // it is here already
	fateLeft  = "left"
)

// ImportReport says what an import did, or would do.
type ImportReport struct {
	Applied bool       `json:"applied"`
	Things  []Imported `json:"things"`
}

// Count is how many of a kind had a fate.
func (r *ImportReport) Count(kind, fate string) (n int) {
	for i := range r.Things {
		if r.Things[i].Kind == kind && r.Things[i].Fate == fate {
			n += max(int(r.Things[i].Number), 1)
		}
	}
	return n
}

// ImportCasareRPA takes robots, their keys, workflows, schedules and the history of
// jobs over from the database of CasareRPA. What is here already stays as it is, so
// it can be done again.
func (d Database) ImportCasareRPA(ctx context.Context, o ImportOptions) (r ImportReport, err error) {
	if o.HistoryDays < 0 {
		return r, fleet.Invalid("history-days", "history-days must be 0 or more; got %d.", o.HistoryDays)
	}
	src, err := casarerpa.Read(ctx, o.From)
	if err != nil {
		return r, err
	}
	if err := addTokens(&src, o.Tokens); err != nil {
		return r, err
	}
	cat, err := catalog.Load()
	if err != nil {
		return r, fmt.Errorf("load the node catalog: %w", err)
	}
	ids := fleet.NewIDs(time.Now, rand.Reader)
	log := slog.New(slog.DiscardHandler) // the report says it all
	a := &App{o: Options{DataDir: d.Dir, DatabaseURL: d.URL, Logger: log, StopTimeout: stopImport}}
	defer func() { err = errors.Join(err, a.Stop(context.WithoutCancel(ctx))) }()
	a.stop = func() {}
	if _, err := a.openStore(ctx, ids); err != nil {
		return r, err
	}
	limits := orchestrator.DefaultLimits()
	core := orchestrator.New(orchestrator.Options{
		Store: a.store, IDs: ids, Now: time.Now, Chance: chance, Catalog: cat, Timing: func(string) fleet.Timing { return fleet.DefaultTiming() },
		Policy: workflow.Policy{Limits: limits.Document}, Limits: limits, Logger: log,
	})
	m := &importing{
		ctx: ctx, store: a.store, core: core, keys: auth.NewKeys(a.store, ids, rand.Reader, time.Now), who: auth.Local(), ImportOptions: o,
		report: &ImportReport{Applied: o.Apply}, robots: map[string]string{}, workflows: map[string]fleet.ID{}, now: time.Now(),
	}
	if err := m.all(&src); err != nil {
		return r, err
	}
	return *m.report, nil
}

// addTokens adds the keys of ROBOT_TOKENS: robot-1:<sha256>,robot-2:<sha256>.
func addTokens(src *casarerpa.Source, tokens string) error {
	for part := range strings.SplitSeq(tokens, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		robot, hash, ok := strings.Cut(part, ":")
		if sum, err := hex.DecodeString(hash); !ok || err != nil || len(sum) != 32 {
			return fleet.Invalid("robot-tokens", "robot-tokens is a list of ROBOT:SHA256, with commas between.")
		}
		src.Keys = append(src.Keys, casarerpa.Key{ID: robot, RobotID: robot, Name: robot, Hash: strings.ToLower(hash)})
		if !slices.ContainsFunc(src.Robots, func(r casarerpa.Robot) bool { return r.ID == robot }) {
			src.Robots = append(src.Robots, casarerpa.Robot{ID: robot, Name: robot})
		}
	}
	return nil
}

// importing is one import.
type importing struct {
	ctx    context.Context //nolint:containedctx // of one import
	store  store.Store
	core   *orchestrator.Orchestrator
	keys   *auth.Keys
	who    auth.Principal
	report *ImportReport
	now    time.Time
	robots map[string]string // environments of those that are here then
	// workflows are those that are here then, by their names and by their ids in
	// the source; an empty id is one that would be.
	workflows map[string]fleet.ID
	schedules map[string]fleet.Schedule // that came over before, by their ids there; nil: not looked for yet
	ImportOptions
}

func (m *importing) note(kind, id, name, fate, reason string) {
	m.report.Things = append(m.report.Things, Imported{Kind: kind, ID: id, Name: name, Fate: fate, Reason: reason})
}

// fault notes what is wrong with one thing; a fault of ours ends the import.
func (m *importing) fault(kind, id, name string, err error) error {
	switch e := fleet.AsError(err); e.Code { //nolint:exhaustive // the others are faults of ours
	case fleet.CodeInvalid, fleet.CodeConflict, fleet.CodeNotFound:
		m.note(kind, id, name, fateLeft, e.Message)
		return nil
	}
	return err
}

func (m *importing) all(src *casarerpa.Source) error {
	for i := range src.Robots {
		if err := m.robot(&src.Robots[i]); err != nil {
			return err
		}
	}
	for i := range src.Keys {
		if err := m.key(&src.Keys[i]); err != nil {
			return err
		}
	}
	for i := range src.Workflows {
		if err := m.workflow(&src.Workflows[i]); err != nil {
			return err
		}
	}
	for i := range src.Schedules {
		if err := m.schedule(&src.Schedules[i]); err != nil {
			return err
		}
	}
	if err := m.history(src); err != nil {
		return err
	}
	for _, table := range src.Missing {
		m.note("table", table, "", fateLeft, "It is not there.")
	}
	return nil
}

func (m *importing) robot(r *casarerpa.Robot) error {
	id, err := fleet.ParseRobotID(r.ID)
	if err != nil {
		return m.fault("robot", r.ID, r.Name, err)
	}
	known, err := m.core.Robots.Get(m.ctx, m.who, id)
	if err == nil {
		m.robots[r.ID] = known.Environment
		m.note("robot", r.ID, r.Name, fateThere, "")
		return nil
	}
	if !errors.Is(err, fleet.ErrNotFound) {
		return err
	}
	in := fleet.Robot{ID: id, Name: cmp.Or(r.Name, r.ID), Hostname: cmp.Or(r.Hostname, r.ID), Environment: r.Environment, SlotLimit: min(max(r.Slots, 1), fleet.MaxSlots)}
	in.WishedSlots = in.SlotLimit
	if fleet.ValidateEnvironment(in.Environment) != nil {
		in.Environment = fleet.DefaultEnvironment
	}
	reason := ""
	if in.Capabilities, err = fleet.NewCapabilities(r.Capabilities...); err != nil {
		in.Capabilities, reason = fleet.Capabilities{}, "Its capabilities cannot be read: "+fleet.AsError(err).Message
	}
	if in.Tags, err = fleet.NewCapabilities(r.Tags...); err != nil {
		in.Tags, reason = fleet.Capabilities{}, strings.TrimSpace(reason+" Its tags cannot be read: "+fleet.AsError(err).Message)
	}
	if m.Apply {
		if _, err := m.core.Robots.Register(m.ctx, m.who, in); err != nil {
			return m.fault("robot", r.ID, r.Name, err)
		}
	}
	m.robots[r.ID] = in.Environment
	m.note("robot", r.ID, r.Name, fateTaken, reason)
	return nil
}

func (m *importing) key(k *casarerpa.Key) error {
	environment, known := m.robots[k.RobotID]
	switch {
	case k.Revoked:
		m.note("key", k.ID, k.Name, fateLeft, "It was revoked.")
		return nil
	case !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(time.Now()):
		m.note("key", k.ID, k.Name, fateLeft, "It has expired.")
		return nil
	case !known:
		m.note("key", k.ID, k.Name, fateLeft, fmt.Sprintf("There is no robot %s.", k.RobotID))
		return nil
	}
	if sum, err := hex.DecodeString(k.Hash); err != nil || len(sum) != 32 {
		m.note("key", k.ID, k.Name, fateLeft, "What is kept of it is no SHA-256.")
		return nil
	}
	var there bool
	err := m.store.View(m.ctx, m.who.Scope(), func(r store.Reader) error {
		_, err := r.KeyByHash(k.Hash)
		if there = err == nil; errors.Is(err, fleet.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if there {
		m.note("key", k.ID, k.Name, fateThere, "")
		return nil
	}
	if m.Apply {
		_, err := m.keys.Adopt(m.ctx, m.who, fleet.Key{
			Name: cmp.Or(k.Name, k.RobotID), Description: k.Description, RobotID: fleet.RobotID(k.RobotID), Env: environment, Hash: k.Hash,
			CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt,
		})
		if err != nil {
			return m.fault("key", k.ID, k.Name, err)
		}
	}
	m.note("key", k.ID, k.Name, fateTaken, "")
	return nil
}

func (m *importing) workflow(w *casarerpa.Workflow) error {
	checked, err := m.core.Workflows.Check(w.Document)
	if err != nil {
		return m.fault("workflow", w.ID, w.Name, err)
	}
	name := cmp.Or(w.Name, checked.Name)
	var id fleet.ID
	there := false
	err = m.store.View(m.ctx, m.who.Scope(), func(r store.Reader) error {
		known, err := r.WorkflowByName(name)
		id, there = known.ID, err == nil && known.Hash == checked.Hash
		if errors.Is(err, fleet.ErrNotFound) {
			return nil
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case there:
		m.note("workflow", w.ID, name, fateThere, "")
	case m.Apply:
		version, _, err := m.core.Workflows.Put(m.ctx, m.who, w.Name, w.Document)
		if err != nil {
			return m.fault("workflow", w.ID, name, err)
		}
		id = version.WorkflowID
		fallthrough
	default:
		m.note("workflow", w.ID, name, fateTaken, "")
	}
	m.workflows[name] = id
	if w.ID != "" {
		m.workflows[w.ID] = id
	}
	return nil
}
