package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

// TestScenarios plays the stories in scenario/*.txtar on a whole fleet. The
// comment of a file is the story, one verb per line; its files are workflows.
//
//	robot NAME [slots=N] [can=WORD]   start a robot, wait until it is online
//	stop NAME                         drain it and wait for its end
//	restart                           end the orchestrator, open it again
//	submit JOB FILE [robot=NAME] [can=WORD] [priority=N] [retries=N]
//	wait JOB STATE [on=NAME] [attempts=N]
//	cancel JOB [force]
//	retry JOB NEW
//	log JOB TEXT                      the job has written exactly these lines
//	order JOB…                        they began in this order
//	busy NAME N                       so many slots are taken
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("scenario", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			s := &story{
				world: newWorld(t), files: map[string][]byte{}, jobs: map[string]fleet.ID{}, keys: map[string]string{},
				homes: map[string]string{}, stops: map[string]func(){},
			}
			for _, f := range archive.Files {
				s.files[f.Name] = f.Data
			}
			t.Cleanup(func() {
				for _, stop := range s.stops {
					stop()
				}
			})
			for i, line := range strings.Split(string(archive.Comment), "\n") {
				words := strings.Fields(line)
				if len(words) == 0 || strings.HasPrefix(line, "#") {
					continue
				}
				if err := s.do(words[0], words[1:]); err != nil {
					t.Fatalf("%s:%d: %s: %v", name, i+1, line, err)
				}
			}
		})
	}
}

// story is a scenario under way.
type story struct {
	*world
	files map[string][]byte
	jobs  map[string]fleet.ID
	keys  map[string]string // of robots
	homes map[string]string
	stops map[string]func()
}

// do plays one line.
func (s *story) do(verb string, words []string) error {
	ctx, cancel := context.WithTimeout(s.t.Context(), 40*time.Second)
	defer cancel()
	plain, options := split(words)
	if len(plain) == 0 && verb != "restart" {
		return errors.New("a name is missing")
	}
	switch verb {
	case "robot":
		return s.startRobot(ctx, plain[0], options)
	case "stop":
		stop, ok := s.stops[plain[0]]
		if !ok {
			return errors.New("no such robot")
		}
		stop()
		return nil
	case "restart":
		url := s.app.Addr().String()
		if err := s.app.Stop(ctx); err != nil {
			return err
		}
		s.start(url)
		return nil
	case "submit":
		return s.send(ctx, plain, options)
	case "wait":
		return s.wait(ctx, plain, options)
	case "cancel":
		_, err := s.api.CancelJob(ctx, s.jobs[plain[0]], client.CancelRequest{Force: slices.Contains(plain, "force")})
		return err
	case "retry":
		answer, err := s.api.RetryJob(ctx, s.jobs[plain[0]], client.RetryRequest{})
		s.jobs[plain[1]] = answer.NewJobID
		return err
	case "log":
		return s.log(ctx, plain)
	case "order":
		return s.order(ctx, plain)
	case "busy":
		robot, err := s.api.GetRobot(ctx, fleet.RobotID(plain[0]))
		if err == nil && strconv.Itoa(robot.Taken) != plain[1] {
			err = fmt.Errorf("%d slots are taken", robot.Taken)
		}
		return err
	}
	return errors.New("no such verb")
}

// split tells name=value from the other words.
func split(words []string) (plain []string, options map[string]string) {
	options = map[string]string{}
	for _, w := range words {
		if name, v, ok := strings.Cut(w, "="); ok {
			options[name] = v
		} else {
			plain = append(plain, w)
		}
	}
	return plain, options
}

// startRobot starts a robot; the same name again is the same robot with the
// same key and journal.
func (s *story) startRobot(ctx context.Context, name string, options map[string]string) error {
	id := fleet.RobotID(name)
	if s.keys[name] == "" {
		s.keys[name], s.homes[name] = s.key(id), s.t.TempDir()
	}
	slots, err := strconv.Atoi(cmp.Or(options["slots"], "1"))
	if err != nil {
		return err
	}
	var can []string
	if options["can"] != "" {
		can = append(can, options["can"])
	}
	_, s.stops[name] = s.launch(id, s.keys[name], s.homes[name], slots, can...)
	return s.until(ctx, func() (bool, error) {
		r, err := s.api.GetRobot(ctx, id)
		if errors.Is(err, fleet.ErrNotFound) {
			return false, nil
		}
		return r.Status == fleet.RobotOnline || r.Status == fleet.RobotBusy, err
	})
}

// until looks at the world whenever something has happened in it.
func (s *story) until(ctx context.Context, ok func() (bool, error)) error {
	for {
		head, err := s.api.Head(ctx)
		if err != nil {
			return err
		}
		if done, err := ok(); done || err != nil {
			return err
		}
		if _, err := s.api.ListEvents(ctx, head, 1, time.Second); err != nil {
			return err
		}
	}
}

func (s *story) send(ctx context.Context, plain []string, options map[string]string) error {
	document, ok := s.files[plain[1]]
	if !ok {
		return errors.New("no such file")
	}
	r := client.SubmitRequest{Workflow: document, Name: plain[0], Target: fleet.RobotID(options["robot"])}
	if options["can"] != "" {
		r.Placement = &fleet.Placement{Capabilities: []string{options["can"]}}
	}
	if text, ok := options["priority"]; ok {
		p, err := fleet.ParsePriority(text)
		if err != nil {
			return err
		}
		r.Priority = &p
	}
	if text, ok := options["retries"]; ok {
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		r.Retry = &client.RetryChange{Max: &n}
	}
	job, err := s.api.SubmitJob(ctx, r)
	s.jobs[plain[0]] = job.ID
	return err
}

// wait waits for a state. An end that is another one is an error at once.
func (s *story) wait(ctx context.Context, plain []string, options map[string]string) error {
	var job client.JobDetail
	err := s.until(ctx, func() (done bool, err error) {
		if job, err = s.api.GetJob(ctx, s.jobs[plain[0]]); err != nil {
			return false, err
		}
		if job.State.Final() && string(job.State) != plain[1] {
			return false, fmt.Errorf("the job ended as %s: %+v", job.State, job.Error)
		}
		return string(job.State) == plain[1], nil
	})
	switch {
	case err != nil:
		return err
	case options["on"] != "" && options["on"] != string(job.RobotID):
		return fmt.Errorf("the job is on %q", job.RobotID)
	case options["attempts"] != "" && options["attempts"] != strconv.FormatInt(job.Epoch, 10):
		return fmt.Errorf("there were %d attempts", job.Epoch)
	}
	return nil
}

func (s *story) log(ctx context.Context, plain []string) error {
	var lines []string
	for line, err := range s.api.FollowLog(ctx, s.jobs[plain[0]]) {
		if err != nil {
			return err
		}
		lines = append(lines, line.Message)
	}
	if got := strings.Join(lines, " "); got != strings.Join(plain[1:], " ") {
		return fmt.Errorf("the log is %q", got)
	}
	return nil
}

// order compares when the jobs first began.
func (s *story) order(ctx context.Context, names []string) error {
	var last time.Time
	for _, name := range names {
		job, err := s.api.GetJob(ctx, s.jobs[name])
		if err != nil {
			return err
		}
		if job.FirstStartedAt.Before(last) || job.FirstStartedAt.IsZero() {
			return fmt.Errorf("%s began at %s, before the one named before it (%s)", name, job.FirstStartedAt, last)
		}
		last = job.FirstStartedAt
	}
	return nil
}
