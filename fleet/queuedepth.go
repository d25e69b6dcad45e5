package fleet

import "time"

// DepthPoint is how many items of a queue were new in a stretch of time.
type DepthPoint struct {
	At       time.Time `json:"at"`
	Depth    float64   `json:"depth"`    // mean of the readings
	Peak     int64     `json:"peak"`     // the greatest of them
	Readings int64     `json:"readings"` // minutes in which it was read; 0: nobody knows
}

// QueueDepth is the course of a queue; stretches without a reading are in it.
type QueueDepth struct {
	QueueID ID           `json:"queue_id"`
	From    time.Time    `json:"from"`
	To      time.Time    `json:"to"`
	Step    int64        `json:"step_seconds"`
	Points  []DepthPoint `json:"points"`
}

// QueueFigures is how a queue stands at a glance.
type QueueFigures struct {
	QueueID   ID           `json:"queue_id"`
	Name      string       `json:"name"`
	Paused    bool         `json:"paused"`
	New       int64        `json:"new"`
	OldestAge int64        `json:"oldest_age_seconds"` // of the oldest new item; 0 if there is none
	SLA       SLA          `json:"sla"`
	Course    []DepthPoint `json:"course"` // of the last 24 hours, by the hour
}
