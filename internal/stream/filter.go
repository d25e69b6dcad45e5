package stream

import (
	"slices"
	"strings"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// The topics. job, log and bulk also stand before the id of one of them.
const (
	topicRobots    = "robots"
	topicJobs      = "jobs"
	topicJob       = "job"
	topicLog       = "log"
	topicSchedules = "schedules"
	topicQueues    = "queues"
	topicWorkflows = "workflows"
	topicBulk      = "bulk"
	topicActivity  = "activity"
	topicEvents    = "events"
)

// needs says what a topic asks for; false: there is no such topic.
func needs(topic string) (fleet.Permission, bool) {
	name, id, single := strings.Cut(topic, ":")
	switch {
	case single && id == "", single && !slices.Contains([]string{topicJob, topicLog, topicBulk}, name):
		return "", false
	}
	switch name {
	case topicRobots:
		return fleet.RobotsRead, true
	case topicJobs:
		return fleet.JobsRead, true
	case topicJob, topicLog:
		return fleet.JobsRead, single
	case topicSchedules, topicQueues, topicWorkflows, topicBulk, topicActivity, topicEvents:
		return fleet.EventsRead, true
	}
	return "", false
}

// Topics lists the topics for errors and documents.
func Topics() []string {
	return []string{topicRobots, topicJobs, "job:{id}", "log:{id}", topicSchedules, topicQueues, topicWorkflows, topicBulk, "bulk:{id}", topicActivity, topicEvents}
}

// filter is what one reader wants and may see.
type filter struct {
	topics []string
	envs   []string // that it asked for; empty: all
	who    auth.Principal
	most   int // topics that it may have
}

// subscribe sets the topics, or says what is wrong with them and changes nothing.
func (f *filter) subscribe(topics, envs []string) error {
	topics = slices.Compact(slices.Sorted(slices.Values(topics)))
	topics = slices.DeleteFunc(topics, func(t string) bool { return t == "" })
	if len(topics) == 0 {
		return fleet.Invalid("topics", "topics must name at least one of %s.", strings.Join(Topics(), ", "))
	}
	if len(topics) > f.most {
		return fleet.Invalid("topics", "topics may name at most %d; got %d.", f.most, len(topics)).
			WithFix("Read jobs instead of many single ones, or open another stream.")
	}
	if len(envs) > 100 {
		return fleet.Invalid("environment", "environment may name at most 100; got %d.", len(envs))
	}
	for _, t := range topics {
		perm, ok := needs(t)
		if !ok {
			return fleet.Errorf(fleet.CodeInvalid, "topic_unknown", "There is no topic %q; there are %s.", clip(t), strings.Join(Topics(), ", "))
		}
		if err := f.who.Require(perm); err != nil {
			return err
		}
	}
	f.topics, f.envs = topics, envs
	return nil
}

// still says whether a principal may still see all that was subscribed to.
func (f *filter) still(who auth.Principal) bool {
	for _, t := range f.topics {
		if perm, _ := needs(t); who.Require(perm) != nil {
			return false
		}
	}
	f.who = who
	return true
}

// wants says whether a part is for the reader.
func (f *filter) wants(p *part) bool {
	if !f.has(p.topic, p.id) || p.only != "" && p.only != f.who.Self() {
		return false
	}
	if p.env == "" { // a note without a row: who is bound to environments cannot be shown whose it is
		return len(f.who.Environments) == 0 && (len(f.envs) == 0 || p.gone || p.topic != topicJobs && p.topic != topicRobots)
	}
	return f.sees(p.env) && (p.now == "" || !f.sees(p.now))
}

func (f *filter) sees(env string) bool {
	return f.who.Scope().Sees(env) && (len(f.envs) == 0 || slices.Contains(f.envs, env))
}

func (f *filter) has(topic, id string) bool {
	if slices.Contains(f.topics, topic) {
		return true
	}
	switch topic {
	case topicJobs:
		return slices.Contains(f.topics, topicJob+":"+id)
	case topicBulk:
		return slices.Contains(f.topics, topicBulk+":"+id)
	}
	return false
}

// logs lists the jobs whose logs the reader follows.
func (f *filter) logs() (ids []fleet.ID) {
	for _, t := range f.topics {
		if id, ok := strings.CutPrefix(t, topicLog+":"); ok {
			ids = append(ids, fleet.ID(id))
		}
	}
	return ids
}

// clip cuts what somebody else wrote for an error.
func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
