package stream_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// other appends an event that no reader of robots wants.
func (w *world) other() {
	w.Helper()
	w.must(w.store.Update(w.Context(), store.Tenant("default"), func(tx store.Tx) error {
		return tx.Append("default", fleet.EventDraft{Kind: fleet.EventBrake, Subject: fleet.SubjectFleet, SubjectID: "x"})
	}))
}

// TestPlacesJoin: facts that a reader does not want leave no gap between the
// frames that it gets.
func TestPlacesJoin(t *testing.T) {
	w := newWorld(t, 1)
	s := w.snapshot(0)
	c, err := w.dial(t.Context(), 0, "topics=robots&after="+url.QueryEscape(s.cursor))
	w.must(err)
	defer closeNow(c)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for i := range 4 {
		for range 20 { // over several turns of the stream
			w.other()
		}
		name := fmt.Sprint("name ", i)
		time.AfterFunc(150*time.Millisecond, func() { w.put("default", fleet.Robot{ID: "bot-1", Name: name}) })
		for s.names["bot-1"] != name {
			f, err := readFrame(ctx, c)
			w.must(err)
			if !s.take(f) {
				t.Fatalf("%s from %s to %s does not follow %s", f.T, f.From, f.To, s.cursor)
			}
		}
	}
}

// TestRefusedWishChangesNothing: what cannot be had as a whole is not had in part.
func TestRefusedWishChangesNothing(t *testing.T) {
	w := newWorld(t, 1)
	s := w.snapshot(0)
	c, err := w.dial(t.Context(), 0, "topics=workflows&after="+url.QueryEscape(s.cursor))
	w.must(err)
	defer closeNow(c)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	w.must(c.Write(ctx, 1, []byte(`{"t":"sub","topics":["robots","log:nobody"]}`)))
	for {
		f, err := readFrame(ctx, c)
		w.must(err)
		if f.T == "error" {
			break
		}
	}
	w.put("default", fleet.Robot{ID: "bot-1", Name: "x"})
	for beats := 0; beats < 1; {
		f, err := readFrame(ctx, c)
		w.must(err)
		switch f.T {
		case "hb":
			beats++
		case "ev":
			t.Fatalf("robots came: %+v", f)
		}
	}
}

// TestGoneOfAnEnvironment: who asked for an environment learns, too, that a robot
// is gone.
func TestGoneOfAnEnvironment(t *testing.T) {
	w := newWorld(t, 1)
	w.put("default", fleet.Robot{ID: "bot-1", Name: "x", Environment: "prod"})
	s := w.snapshot(0)
	c, err := w.dial(t.Context(), 0, "topics=robots&environment=prod&after="+url.QueryEscape(s.cursor))
	w.must(err)
	defer closeNow(c)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	w.must(w.store.Update(t.Context(), store.Tenant("default"), func(tx store.Tx) error {
		r, err := tx.Robot("bot-1")
		if err != nil {
			return err
		}
		r.DeletedAt = time.Now()
		if err := tx.PutRobot(r); err != nil {
			return err
		}
		return tx.Append("default", fleet.EventDraft{Kind: fleet.EventRobotDeleted, Subject: fleet.SubjectRobot, SubjectID: "bot-1"})
	}))
	for s.names["bot-1"] != "" {
		f, err := readFrame(ctx, c)
		w.must(err)
		if !s.take(f) {
			t.Fatalf("%+v does not follow %s", f, s.cursor)
		}
	}
}
