package store

import "sync"

// Topic names what may have changed.
type Topic string

// The topics. A robot's own topic is RobotTopic.
const (
	TopicReady  Topic = "ready"  // placement may find something to do
	TopicEvents Topic = "events" // the log grew
	TopicTimers Topic = "timers" // an earlier timer may have been set
	TopicKeys   Topic = "keys"   // a credential may count less than before

	TopicSchedules Topic = "schedules" // a schedule, or one of its jobs, may want to be looked at
)

// RobotTopic says that what is wanted of a robot may have changed.
func RobotTopic(tenant, robot string) Topic { return Topic("robot/" + tenant + "/" + robot) }

// Signals wakes those who look at the store. A signal carries nothing and may
// be lost: whoever is woken reads again, and looks from time to time without
// being woken.
type Signals struct {
	mu   sync.Mutex
	subs map[Topic]map[chan struct{}]struct{}
}

// NewSignals returns an empty switchboard.
func NewSignals() *Signals { return &Signals{subs: map[Topic]map[chan struct{}]struct{}{}} }

// Raise wakes everyone who listens to a topic. It never blocks: a listener
// that has not yet looked since the last signal needs no second one.
func (s *Signals) Raise(topics ...Topic) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range topics {
		for ch := range s.subs[t] {
			select {
			case ch <- struct{}{}:
			default:
			}
		}
	}
}

// RaiseAll wakes everyone: something may have been missed.
func (s *Signals) RaiseAll() {
	s.mu.Lock()
	topics := make([]Topic, 0, len(s.subs))
	for t := range s.subs {
		topics = append(topics, t)
	}
	s.mu.Unlock()
	s.Raise(topics...)
}

// Listen returns a channel that receives when a topic is raised, and a
// function that ends the subscription.
func (s *Signals) Listen(topics ...Topic) (wake <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range topics {
		if s.subs[t] == nil {
			s.subs[t] = map[chan struct{}]struct{}{}
		}
		s.subs[t][ch] = struct{}{}
	}
	return ch, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, t := range topics {
			delete(s.subs[t], ch)
			if len(s.subs[t]) == 0 {
				delete(s.subs, t)
			}
		}
	}
}
