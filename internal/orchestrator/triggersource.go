package orchestrator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
	"unicode"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Files and messages lie where they are until they were dealt with, so a trigger
// that cools, or has as many jobs as it may, lets them wait: they are told of
// again. A row says so once for each, not for each time it is asked.

// holds says whether what a plan is about waits, and whether a row says so.
func holds(r store.Reader, pl *plan) (held, known bool, err error) {
	f := &pl.firing
	switch f.Outcome {
	case fleet.FiringDisabled:
		return true, true, nil
	case fleet.FiringCooling, fleet.FiringFull:
		last, _, err := r.Firings(store.FiringFilter{Trigger: f.Trigger}, fleet.Page{Limit: 1})
		return true, len(last) > 0 && last[0].Outcome == f.Outcome && last[0].Key == f.Key, err
	case fleet.FiringAccepted, fleet.FiringFiltered, fleet.FiringDuplicate, fleet.FiringRefused:
	}
	return false, false, nil
}

// Watches lists what a robot is to look at.
func (t *Triggers) Watches(ctx context.Context, p auth.Principal) (out []fleet.Watch, err error) {
	if err := p.Require(fleet.RobotsConnect); err != nil {
		return nil, err
	}
	var list []fleet.Trigger
	if err := t.Store.View(ctx, p.Scope(), func(r store.Reader) error { list, err = r.TriggersWatchedBy(p.RobotID); return err }); err != nil {
		return nil, err
	}
	out = make([]fleet.Watch, len(list))
	for i := range list {
		g := &list[i]
		out[i] = fleet.Watch{Trigger: g.ID, Since: g.Since, Path: g.File.Path, SettleSeconds: g.File.SettleSeconds, Existing: g.File.Existing}
	}
	return out, nil
}

// watched is the trigger that a robot speaks of; another robot's does not exist.
func (t *Triggers) watched(ctx context.Context, p auth.Principal, id fleet.ID) (of fleet.Trigger, err error) {
	if err := p.Require(fleet.RobotsConnect); err != nil {
		return of, err
	}
	err = t.Store.View(ctx, p.Scope(), func(r store.Reader) error { of, err = r.Trigger(id); return err })
	if err == nil && (of.File == nil || of.File.RobotID != p.RobotID) {
		return fleet.Trigger{}, fleet.NotFound("trigger", string(id))
	}
	return of, err
}

// maxFilePath bounds the path of a file.
const maxFilePath = 4096

// Found is told by a robot of a file that stands still. The same file, which is
// its path, its size and its time, starts one job, however often a robot tells of
// it. wait is positive if the file waits: for so long, it is not to be told of.
func (t *Triggers) Found(ctx context.Context, p auth.Principal, id fleet.ID, f fleet.WatchedFile) (out fleet.Firing, wait time.Duration, err error) {
	of, err := t.watched(ctx, p, id)
	if err != nil {
		return out, 0, err
	}
	folder, pattern := of.File.Split()
	name, ok := strings.CutPrefix(f.Path, folder)
	if fits, err := path.Match(pattern, name); !ok || err != nil || !fits || strings.ContainsAny(name, `/\`) || len(f.Path) > maxFilePath {
		return out, 0, fleet.Invalid("path", "path must be one that the trigger waits for: %s.", of.File.Path)
	}
	if f.Size < 0 || f.Modified.IsZero() {
		return out, 0, fleet.Invalid("size", "size must not be negative, and modified_at is needed.")
	}
	about := map[string]any{"path": f.Path, "size": f.Size, "modified_at": f.Modified.UTC()}
	payload, err := json.Marshal(map[string]any{
		"type": "file", "path": f.Path, "folder": folder, "name": name, "size": f.Size, "modified_at": f.Modified.UTC(), "robot_id": p.RobotID,
	})
	if err != nil {
		return out, 0, fleet.Internal(err)
	}
	key := "file " + shortSum(fmt.Sprintf("%s\x00%s\x00%d\x00%d", p.RobotID, f.Path, f.Size, f.Modified.UnixNano()))
	o := occasion{key: key, payload: payload, depth: 1, about: about, held: true}
	out, wait, err = t.occur(ctx, auth.Trigger(of.Tenant, of.Name), id, o)
	return out, heldFor(out.Outcome, wait), err
}

// shortSum names a thing among those of one trigger.
func shortSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// heldAgain is after how long somebody tells again of what a trigger was full for.
const heldAgain = 10 * time.Second

func heldFor(outcome fleet.FiringOutcome, wait time.Duration) time.Duration {
	switch outcome {
	case fleet.FiringCooling:
		return max(wait, time.Second)
	case fleet.FiringFull, fleet.FiringDisabled:
		return heldAgain
	case fleet.FiringAccepted, fleet.FiringFiltered, fleet.FiringDuplicate, fleet.FiringRefused:
	}
	return 0
}

// CannotWatch is told by a robot why it cannot look for files, or, by an empty
// text, that it can.
func (t *Triggers) CannotWatch(ctx context.Context, p auth.Principal, id fleet.ID, fault string) error {
	of, err := t.watched(ctx, p, id)
	if err != nil {
		return err
	}
	return t.fault(ctx, p.Scope(), &of, fault)
}

// maxFaultRunes bounds what is kept of a fault.
const maxFaultRunes = 500

// plainText is what others said, on one line and not too long.
func plainText(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	if r := []rune(text); len(r) > maxFaultRunes {
		text = string(r[:maxFaultRunes])
	}
	return text
}

// fault notes why a trigger cannot look at its source, once.
func (t *Triggers) fault(ctx context.Context, s store.Scope, of *fleet.Trigger, text string) error {
	text = plainText(text)
	if of.Fault == text {
		return nil
	}
	return t.Store.Update(ctx, s, func(tx store.Tx) error {
		changed, err := tx.SetTriggerFault(of.ID, text)
		if err != nil || !changed || text == "" {
			return err
		}
		p := auth.Trigger(of.Tenant, of.Name)
		return tx.Append(of.Tenant, triggerEvent(fleet.EventTriggerSuppressed, p, of, map[string]any{"outcome": fleet.FiringRefused, "reason": text}))
	})
}

// Mailbox reads mailboxes; it knows the protocol and nothing of triggers.
type Mailbox interface {
	// Read gives the messages that came after a place, the oldest first, at most
	// so many. After no place at all, which is a zero one, it gives none, and the
	// place where the mailbox ends now.
	Read(ctx context.Context, rule fleet.EmailRule, password string, after fleet.MailPlace, limit int) (list []fleet.MailMessage, end fleet.MailPlace, err error)
	// Newest gives the newest message; ok is false if there is none.
	Newest(ctx context.Context, rule fleet.EmailRule, password string) (m fleet.MailMessage, ok bool, err error)
}

// mailsAtOnce is how many messages are read at a time.
const mailsAtOnce = 20

// errElsewhere says that somebody else has read on meanwhile.
var errElsewhere = errors.New("the mailbox was read by another")

// Mailboxes lists the triggers of mail that are enabled.
func (t *Triggers) Mailboxes(ctx context.Context, s store.Scope) (list []fleet.Trigger, err error) {
	err = t.Store.View(ctx, s, func(r store.Reader) error { list, err = r.TriggersOf(fleet.TriggerEmail); return err })
	return list, err
}

// Read looks into the mailbox of a trigger and deals with what has come. What
// becomes of a message and that it was read are one commit, so each is dealt with
// once, wherever this stops and however many do it at once. again is positive if
// messages wait: for so long.
func (t *Triggers) Read(ctx context.Context, s store.Scope, id fleet.ID) (again time.Duration, err error) {
	of, password, err := t.mailbox(ctx, s, id, nil)
	if errors.Is(err, fleet.ErrNotFound) {
		return 0, nil
	}
	if err == nil && (of.Email == nil || !of.Enabled) {
		return 0, nil
	}
	if err == nil {
		again, err = t.readMail(ctx, s, &of, password)
	}
	switch {
	case errors.Is(err, errElsewhere):
		return 0, nil
	case err == nil:
		return again, t.fault(ctx, s, &of, "")
	case ctx.Err() != nil:
		return 0, err
	}
	text := withoutSecret(said(err), password)
	return 0, errors.Join(errors.New(text), t.fault(ctx, s, &of, text))
}

// said is an error as people may read it.
func said(err error) string {
	if e, ok := errors.AsType[*fleet.Error](err); ok {
		return e.Message
	}
	return err.Error()
}

// mailbox reads a trigger with the password of its mailbox, for a person who tries it,
// or for the trigger itself.
func (t *Triggers) mailbox(ctx context.Context, s store.Scope, id fleet.ID, person *auth.Principal) (of fleet.Trigger, password string, err error) {
	err = t.Store.View(ctx, s, func(r store.Reader) error { of, err = r.Trigger(id); return err })
	if err != nil || of.Email == nil || person == nil && !of.Enabled {
		return of, "", err
	}
	by := auth.Trigger(of.Tenant, of.Name)
	if person != nil {
		by = *person
	}
	password, err = t.secrets.lend(ctx, s, by, triggerUse(&of), &of, map[string]any{"trigger_id": of.ID, "trigger": of.Name})
	return of, password, err
}

func (t *Triggers) readMail(ctx context.Context, s store.Scope, of *fleet.Trigger, password string) (again time.Duration, err error) {
	if t.Mail == nil {
		return 0, fleet.Errorf(fleet.CodeUnavailable, "no_mail", "This orchestrator reads no mailboxes.")
	}
	at := of.Place
	for {
		place := fleet.MailPlace{}
		if at != "" {
			if err := json.Unmarshal([]byte(at), &place); err != nil {
				return 0, fleet.Internal(err)
			}
		}
		list, end, err := t.Mail.Read(ctx, *of.Email, password, place, mailsAtOnce)
		if err != nil {
			return 0, err
		}
		for i := range list {
			m := &list[i]
			next, err := placeText(m.Place)
			if err != nil {
				return 0, err
			}
			f, wait, err := t.arrived(ctx, of, m, at, next)
			if err != nil {
				return 0, err
			}
			if wait = heldFor(f.Outcome, wait); wait > 0 {
				return wait, nil
			}
			at = next
		}
		if len(list) == mailsAtOnce {
			continue
		}
		return 0, t.placed(ctx, s, of, at, end)
	}
}

func placeText(p fleet.MailPlace) (string, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return "", fleet.Internal(err)
	}
	return string(text), nil
}

// placed notes where a mailbox ends.
func (t *Triggers) placed(ctx context.Context, s store.Scope, of *fleet.Trigger, from string, end fleet.MailPlace) error {
	to, err := placeText(end)
	if err != nil || to == from {
		return err
	}
	return t.Store.Update(ctx, s, func(tx store.Tx) error { _, err := tx.MoveTriggerPlace(of.ID, of.Revision, from, to); return err })
}

// arrived deals with one message.
func (t *Triggers) arrived(ctx context.Context, of *fleet.Trigger, m *fleet.MailMessage, from, to string) (fleet.Firing, time.Duration, error) {
	payload, err := mailPayload(m)
	if err != nil {
		return fleet.Firing{}, 0, err
	}
	o := occasion{
		key: fmt.Sprintf("mail %s %d %d", shortSum(of.Source()), m.Validity, m.UID), payload: payload, depth: 1, held: true,
		about: map[string]any{"from": m.From, "subject": m.Subject, "message_id": m.MessageID, "uid": m.UID, "uidvalidity": m.Validity},
		also: func(tx store.Tx) error {
			moved, err := tx.MoveTriggerPlace(of.ID, of.Revision, from, to)
			if err == nil && !moved {
				err = errElsewhere
			}
			return err
		},
	}
	return t.occur(ctx, auth.Trigger(of.Tenant, of.Name), of.ID, o)
}

// mailPayload is what a trigger is told of a message.
func mailPayload(m *fleet.MailMessage) (json.RawMessage, error) {
	text, err := json.Marshal(struct {
		Type string `json:"type"`
		*fleet.MailMessage
	}{"email", m})
	if err != nil {
		return nil, fleet.Internal(err)
	}
	return text, nil
}

// newestMail is the newest message of a trigger's mailbox, to try it with.
func (t *Triggers) newestMail(ctx context.Context, p auth.Principal, id fleet.ID) (json.RawMessage, error) {
	of, password, err := t.mailbox(ctx, p.Scope(), id, &p)
	if err != nil {
		return nil, err
	}
	if t.Mail == nil {
		return nil, fleet.Errorf(fleet.CodeUnavailable, "no_mail", "This orchestrator reads no mailboxes.")
	}
	m, ok, err := t.Mail.Newest(ctx, *of.Email, password)
	if err != nil {
		return nil, fleet.Errorf(fleet.CodeUnavailable, "mailbox", "%s", withoutSecret(said(err), password))
	}
	if !ok {
		return nil, fleet.Errorf(fleet.CodeConflict, "mailbox_empty", "There is no message in the folder %s yet.", of.Email.Folder)
	}
	return mailPayload(&m)
}
