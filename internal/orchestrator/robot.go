package orchestrator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/store"
)

// Robots are the use cases about robots and their connections.
type Robots struct {
	*core
	jobs *Jobs // for bulk operations that are about them
}

// Hello is what a robot says of itself when it connects. Its id, tenant and
// environment come from the principal.
type Hello struct {
	Member       fleet.ID // the orchestrator that holds the socket
	Transport    string
	InstanceID   string // one start of the program
	BootID       string
	JournalID    string
	Name         string
	Hostname     string
	OS, Arch     string
	Version      string
	Features     []string
	Capabilities []string
	Tags         []string
	Pool         string
	Facts        fleet.Facts
	Slots        int
	ResumeToken  string
	LastReport   int64 // newest entry of its journal
	Acked        int64 // newest entry it knows to be committed
	Attempts     []HeldAttempt
	Clock        time.Time // its own, when it said this; zero: it did not say
	// Old is a robot of the original on a socket: it takes over from its older
	// connection, and cannot say what it holds, so the leases of that run on.
	Old bool
}

// HeldAttempt is one attempt that a connecting robot knows of.
type HeldAttempt struct {
	store.Ref
	Phase Phase
	Node  string
}

// Phase is how far an attempt is on the robot.
type Phase string

// The phases a robot reports.
const (
	PhaseAccepted   Phase = "accepted"
	PhaseRunning    Phase = "running"
	PhaseEffectOpen Phase = "effect_open"
	PhaseFinished   Phase = "finished"
)

// Want is what the orchestrator wants of one attempt.
type Want string

// The wishes.
const (
	WantContinue Want = "continue" // also serves as the start of an accepted one
	WantCancel   Want = "cancel"
	WantForget   Want = "forget"
	WantReport   Want = "report"
)

// Desired is the answer for one attempt.
type Desired struct {
	store.Ref
	Want Want
	Stop store.Stop // how, when it is to be cancelled
}

// Welcome answers a Hello.
type Welcome struct {
	Session     fleet.Session
	Robot       fleet.Robot
	ResumeToken string
	Timing      fleet.Timing
	Committed   int64 // reports up to here need not be sent again
	Desired     []Desired
}

// Connect is the whole of a robot's sign-in, in one transaction: its session
// supersedes the one before, its attempts are reconciled, its leases renewed.
// token is the resume token that the robot is given.
func (r *Robots) Connect(ctx context.Context, p auth.Principal, h Hello, token string) (Welcome, error) {
	var w Welcome
	if err := p.Require(fleet.RobotsConnect); err != nil {
		return w, err
	}
	if err := h.validate(); err != nil {
		return w, err
	}
	caps, err := fleet.NewCapabilities(h.Capabilities...)
	if err != nil {
		return w, err
	}
	tags, err := fleet.NewCapabilities(h.Tags...)
	if err != nil {
		return w, err
	}
	now := r.Now()
	doubled := ""
	err = r.Store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		doubled = ""
		timing, err := r.timing(tx, p, h.Transport)
		if err != nil {
			return err
		}
		w = Welcome{ResumeToken: token, Timing: timing}
		robot, err := tx.Robot(p.RobotID)
		created := errors.Is(err, fleet.ErrNotFound)
		if err != nil && !created {
			return err
		}
		before, err := tx.OpenSession(p.RobotID)
		if err != nil && !errors.Is(err, fleet.ErrNotFound) {
			return err
		}
		if err := r.admit(robot, before, h, robot.Times(timing), now); err != nil {
			doubled = robot.Hostname
			return err
		}
		if created {
			if err := roomForRobot(tx, p.Tenant); err != nil {
				return err
			}
			robot = fleet.Robot{ID: p.RobotID, Tenant: p.Tenant, Mode: fleet.ModeActive, CreatedAt: now}
		}
		from := robot.Environment
		describe(&robot, p, h, caps, tags, now)
		if err := tx.PutRobot(robot); err != nil {
			return err
		}
		w.Session = fleet.Session{
			ID: r.IDs.New(), Tenant: p.Tenant, RobotID: p.RobotID, MemberID: h.Member, Transport: h.Transport,
			InstanceID: h.InstanceID, BootID: h.BootID, JournalID: h.JournalID, Features: h.Features,
			ResumeHash: hash(token), OpenedAt: now, LostAfter: timing.Lost, SuspectAfter: timing.Suspect,
		}
		if w.Session.Epoch, err = tx.OpenSessionAs(w.Session); err != nil {
			return err
		}
		if err := settle(tx, p.RobotID, func(c *fleet.Command) (fleet.CommandState, bool) { return c.Started(h.InstanceID, now) }); err != nil {
			return err
		}
		if before.InstanceID != h.InstanceID {
			if err := tx.ClearRefusals(p.RobotID); err != nil {
				return err
			}
		}
		journal, err := tx.Journal(p.RobotID, h.JournalID)
		if err != nil && !errors.Is(err, fleet.ErrNotFound) {
			return err
		}
		w.Committed = journal.Committed
		if h.Old {
			w.Desired, err = r.kept(tx, p, now)
		} else {
			w.Desired, err = r.reconcile(tx, p, h, now)
		}
		if err != nil {
			return err
		}
		if created {
			if err := tx.Append(p.Tenant, r.robotEvent(fleet.EventRobotRegistered, p, map[string]any{"name": robot.Name})); err != nil {
				return err
			}
		}
		w.Robot = robot
		told := map[string]any{"session_epoch": w.Session.Epoch, "hostname": h.Hostname}
		err = tx.Append(p.Tenant, r.robotEvent(fleet.EventRobotConnected, p, moved(told, from, robot.Environment)))
		if err != nil {
			return err
		}
		return fail.At(fail.HelloBeforeCommit)
	})
	if err == nil {
		err = fail.At(fail.HelloAfterCommit)
	}
	if doubled != "" {
		if told := r.tellDoubled(ctx, p, doubled, h.Hostname, now); told != nil {
			err = errors.Join(err, told)
		}
	}
	return w, err
}

// NoteClock notes by how much a robot's clock is ahead, where that has changed
// since it was last noted.
func (r *Robots) NoteClock(ctx context.Context, p auth.Principal, ahead time.Duration) error {
	now := r.Now()
	return r.Store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		robot, err := tx.Robot(p.RobotID)
		if err != nil {
			return err
		}
		robot.Facts = robot.Facts.WithClock(ahead, now)
		return tx.PutRobot(robot)
	})
}

// tellDoubled notes that two machines use one id. The second one comes again and
// again: it is told of once in an hour.
func (r *Robots) tellDoubled(ctx context.Context, p auth.Principal, here, other string, now time.Time) error {
	if !r.doubled.first(p.Tenant, p.RobotID, now) {
		return nil
	}
	return r.Store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		robot, err := tx.Robot(p.RobotID)
		if err != nil {
			return err
		}
		robot.Facts = robot.Facts.WithDuplicate(other, now)
		if err := tx.PutRobot(robot); err != nil {
			return err
		}
		return tx.Append(p.Tenant, r.robotEvent(fleet.EventRobotConflict, p, map[string]any{"hostname": here, "other_hostname": other}))
	})
}

// timing is what a robot is welcomed with.
func (r *Robots) timing(rd store.Reader, p auth.Principal, transport string) (fleet.Timing, error) {
	server := r.Timing(p.Environment)
	e, err := rd.Environment(p.Tenant, p.Environment)
	t := e.Timing(server)
	if e.ValidateTiming(server) != nil {
		t = server // what was set went with other times of the server
	}
	return t.For(transport, server), err
}

func (r *Robots) robotEvent(kind fleet.EventKind, p auth.Principal, data map[string]any) fleet.EventDraft {
	return fleet.EventDraft{Kind: kind, Subject: fleet.SubjectRobot, SubjectID: string(p.RobotID), Actor: p.Name, Data: data}
}

// validate checks what a hello says; everything in it comes from outside.
func (h *Hello) validate() error {
	switch {
	case h.InstanceID == "" || len(h.InstanceID) > 128:
		return fleet.Invalid("instance_id", "instance_id must have 1 to 128 characters.")
	case h.JournalID == "" || len(h.JournalID) > 128:
		return fleet.Invalid("journal_id", "journal_id must have 1 to 128 characters.")
	case len(h.BootID) > 128 || len(h.Hostname) > 255 || len(h.OS) > 64 || len(h.Arch) > 64 || len(h.Version) > 64:
		return fleet.Invalid("hello", "A text in hello is too long: hostname may have 255 characters, os, arch and agent_version 64.")
	case h.Slots < 0 || h.Slots > fleet.MaxSlots:
		return fleet.Invalid("max_concurrent_jobs", "max_concurrent_jobs must be between 0 and %d; got %d.", fleet.MaxSlots, h.Slots)
	case len(h.Attempts) > 10*fleet.MaxSlots:
		return fleet.Invalid("attempts", "attempts may list at most %d entries; got %d.", 10*fleet.MaxSlots, len(h.Attempts))
	}
	if h.Name != "" {
		if err := fleet.ValidateName("name", h.Name, 128); err != nil {
			return err
		}
	}
	if h.Pool != "" {
		if err := fleet.ValidatePool(h.Pool); err != nil {
			return err
		}
	}
	return h.Facts.Validate()
}

// admit is the rule against two machines with one id: the same start of the
// program, or one that holds the resume token, takes over; another machine is
// refused while the present session is fresh.
func (r *Robots) admit(robot fleet.Robot, before fleet.Session, h Hello, t fleet.Timing, now time.Time) error {
	switch {
	case before.ID == "" || before.InstanceID == h.InstanceID, h.Old, before.Transport == fleet.TransportPoll:
		return nil
	case h.ResumeToken != "" && hash(h.ResumeToken) == before.ResumeHash:
		return nil
	case now.Sub(robot.LastSeen) > t.Suspect:
		return nil // the one before has fallen silent
	}
	e := fleet.Errorf(fleet.CodeConflict, "robot_id_in_use", "Robot %s is connected from another machine (%s).", robot.ID, robot.Hostname)
	e.RetryAfter = t.Suspect
	return e.WithFix("Give this machine a key and an id of its own, or stop the other one.")
}

// describe writes what a hello says into the robot's row, but for what a person
// has set.
func describe(robot *fleet.Robot, p auth.Principal, h Hello, caps, tags fleet.Capabilities, now time.Time) {
	pinned := func(field string) bool { return slices.Contains(robot.Pinned, field) }
	robot.Environment, robot.Hostname = p.Environment, h.Hostname
	robot.OS, robot.Arch, robot.AgentVersion = h.OS, h.Arch, h.Version
	robot.WishedSlots = h.Slots
	if !pinned(pinCapabilities) && (len(caps) > 0 || !h.Old) { // an old robot may have no way to say them
		robot.Capabilities = caps
	}
	robot.Capabilities = robot.Capabilities.Setting(fleet.CapCheckpoints, slices.Contains(h.Features, FeatureCheckpoint))
	robot.Reported, robot.LastSeen = fleet.ReportedReady, now
	if !h.Clock.IsZero() {
		robot.Facts = robot.Facts.WithClock(h.Clock.Sub(now), now)
	}
	robot.Facts = ownFacts(robot.Facts, h.Facts, now)
	if !pinned(pinTags) {
		robot.Tags = tags
	}
	if !pinned(pinPool) && h.Pool != "" {
		robot.Pool = h.Pool
	}
	switch {
	case h.Name != "" && !pinned(pinName):
		robot.Name = h.Name
	case robot.Name == "":
		robot.Name = string(p.RobotID)
	}
}

// hash is what is kept of a resume token.
func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Disconnect ends a session. It touches the robot only while that session is
// its newest, so a socket that dies late cannot hurt the one that followed it.
func (r *Robots) Disconnect(ctx context.Context, p auth.Principal, s fleet.Session, reason string) error {
	p.RobotID = s.RobotID // an admin may say goodbye for a robot
	if err := fail.At(fail.SessionBeforeClose); err != nil {
		return err
	}
	err := r.Store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		_, err := tx.CloseSession(s.ID, reason, p.Name, r.Now())
		return err
	})
	if err != nil {
		return err
	}
	return fail.At(fail.SessionAfterClose)
}

// Replaced says whether a session that is closed was followed by a newer one.
func (r *Robots) Replaced(ctx context.Context, p auth.Principal, s fleet.Session) (yes bool, err error) {
	err = r.Store.View(ctx, p.Scope(), func(rd store.Reader) error {
		robot, err := rd.Robot(s.RobotID)
		yes = robot.SessionEpoch > s.Epoch
		return err
	})
	return yes, err
}

// Register makes a robot known before it first connects, or changes its name
// and limits. A robot's own key may do that for this robot alone, and changes
// nothing that a person has set; what it asks for is its wish.
func (r *Robots) Register(ctx context.Context, p auth.Principal, in fleet.Robot) (robot fleet.Robot, err error) {
	own := p.RobotID != ""
	if !own {
		err = p.Require(fleet.RobotsManage)
	}
	if err == nil {
		_, err = fleet.ParseRobotID(string(in.ID))
	}
	if own && err == nil {
		in.SlotLimit, in.Environment = 0, p.Environment
		err = p.Itself(in.ID)
	}
	if err != nil {
		return robot, err
	}
	if in.Name == "" {
		in.Name = string(in.ID)
	}
	if in.Environment == "" {
		in.Environment = fleet.DefaultEnvironment
	}
	if err := errors.Join(fleet.ValidateName("name", in.Name, 128), fleet.ValidateEnvironment(in.Environment)); err != nil {
		return robot, err
	}
	err = r.act(ctx, p, "robot.register", fleet.SubjectRobot, string(in.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		kind := fleet.EventRobotUpdated
		robot, err = tx.Robot(in.ID)
		var before any = robot
		if errors.Is(err, fleet.ErrNotFound) {
			if err := roomForRobot(tx, p.Tenant); err != nil {
				return err
			}
			before, kind = nil, fleet.EventRobotRegistered
			robot = fleet.Robot{ID: in.ID, Tenant: p.Tenant, Mode: fleet.ModeActive, CreatedAt: r.Now(), Environment: in.Environment, Capabilities: in.Capabilities.Setting(fleet.CapCheckpoints, false)}
		} else if err != nil {
			return err
		}
		from := robot.Environment
		if err := registered(tx, &robot, in, own); err != nil {
			return err
		}
		if d.Object.Name = robot.Name; own { // what a robot says of itself is an event
			d.Action = ""
		}
		if err := changed(d, before, robot); err != nil {
			return err
		}
		if err := tx.PutRobot(robot); err != nil {
			return err
		}
		return tx.Append(p.Tenant, fleet.EventDraft{
			Kind: kind, Subject: fleet.SubjectRobot, SubjectID: string(robot.ID), Actor: p.Name,
			Data: moved(map[string]any{"name": robot.Name}, from, robot.Environment),
		})
	})
	return robot, err
}

// Get returns one robot with its status.
func (r *Robots) Get(ctx context.Context, p auth.Principal, id fleet.RobotID) (robot fleet.Robot, err error) {
	if err := p.Require(fleet.RobotsRead); err != nil {
		return robot, err
	}
	err = r.Store.View(ctx, p.Scope(), func(rd store.Reader) error { robot, err = rd.Robot(id); return err })
	robot.Derive(r.Timing(robot.Environment), r.Now())
	return robot, err
}

// RobotRef names a robot of some tenant; it is the store's.
type RobotRef = store.RobotRef

// Names gives the names of robots, of whichever tenant each is, in one look. One
// that is not there, or that the principal must not see, has none.
func (r *Robots) Names(ctx context.Context, p auth.Principal, robots []RobotRef) (map[RobotRef]string, error) {
	if err := p.Require(fleet.RobotsRead); err != nil {
		return nil, err
	}
	names := make(map[RobotRef]string, len(robots))
	err := r.Store.View(ctx, p.Reach(), func(rd store.Reader) error {
		list, err := rd.Rooms(robots)
		for i := range list {
			if list[i].ID != "" && p.Reach().Sees(list[i].Environment) {
				names[robots[i]] = list[i].Name
			}
		}
		return err
	})
	return names, err
}

// Look is Get for a robot's own key, too.
func (r *Robots) Look(ctx context.Context, p auth.Principal, id fleet.RobotID) (robot fleet.Robot, err error) {
	if p.RobotID == "" {
		return r.Get(ctx, p, id)
	}
	if err := p.Itself(id); err != nil {
		return robot, err
	}
	err = r.Store.View(ctx, p.Scope(), func(rd store.Reader) error { robot, err = rd.Robot(id); return err })
	robot.Derive(r.Timing(robot.Environment), r.Now())
	return robot, err
}

// List returns a page of robots by id.
func (r *Robots) List(ctx context.Context, p auth.Principal, f store.RobotFilter, page fleet.Page) (list store.RobotPage, err error) {
	if err := p.Require(fleet.RobotsRead); err != nil {
		return list, err
	}
	if page, err = page.Normalize(); err != nil {
		return list, err
	}
	err = r.Store.View(ctx, p.Reach(), func(rd store.Reader) error { list, err = rd.Robots(f, page); return err })
	for i := range list.Robots {
		list.Robots[i].Derive(r.Timing(list.Robots[i].Environment), r.Now())
	}
	return list, err
}
