package fleet

import (
	"encoding/binary"
	"math"
	"time"
)

// RobotMinute is one reading of a robot's machine and slots.
type RobotMinute struct {
	Minute   int     `json:"-"` // of its hour
	CPU      float64 `json:"cpu_percent"`
	Memory   float64 `json:"memory_percent"`
	MemoryMB float64 `json:"memory_mb"`
	Disk     float64 `json:"disk_percent"`
	Slots    int     `json:"slots"` // in service; 0 while it takes no work
	Taken    int     `json:"taken"`
}

// RobotHour is how a robot was in one hour: means and peaks of its minutes. A
// minute in which it was not connected has no reading.
type RobotHour struct {
	At      time.Time     `json:"-"`
	Samples int           `json:"samples"`
	Mean    RobotMinute   `json:"mean"`
	Peak    RobotMinute   `json:"peak"`
	Minutes []RobotMinute `json:"-"` // in order; nil where they are no longer kept
}

// minuteBytes is the size of a reading as it is kept.
const minuteBytes = 13

// With adds a reading; false if that minute has one. Means are made anew from
// the minutes, so that the order in which they come does not matter.
func (h *RobotHour) With(m RobotMinute) bool {
	if m.Minute < 0 || m.Minute > 59 || (h.Samples > 0 && h.Minutes == nil) {
		return false
	}
	m = decodeMinute(encodeMinute(nil, m)) // as it is read back
	at := len(h.Minutes)
	for i, o := range h.Minutes {
		if o.Minute == m.Minute {
			return false
		}
		if o.Minute > m.Minute {
			at = i
			break
		}
	}
	h.Minutes = append(h.Minutes[:at:at], append([]RobotMinute{m}, h.Minutes[at:]...)...)
	h.Samples = len(h.Minutes)
	h.Mean, h.Peak = RobotMinute{}, RobotMinute{}
	slots, taken := 0, 0
	for _, o := range h.Minutes {
		n := float64(h.Samples)
		h.Mean.CPU += o.CPU / n
		h.Mean.Memory += o.Memory / n
		h.Mean.MemoryMB += o.MemoryMB / n
		h.Mean.Disk += o.Disk / n
		slots, taken = slots+o.Slots, taken+o.Taken
		h.Peak.CPU, h.Peak.Memory = max(h.Peak.CPU, o.CPU), max(h.Peak.Memory, o.Memory)
		h.Peak.MemoryMB, h.Peak.Disk = max(h.Peak.MemoryMB, o.MemoryMB), max(h.Peak.Disk, o.Disk)
		h.Peak.Slots, h.Peak.Taken = max(h.Peak.Slots, o.Slots), max(h.Peak.Taken, o.Taken)
	}
	h.Mean.Slots, h.Mean.Taken = slots/h.Samples, taken/h.Samples
	return true
}

// EncodeMinutes writes the readings one after the other.
func EncodeMinutes(list []RobotMinute) (out []byte) {
	for _, m := range list {
		out = encodeMinute(out, m)
	}
	return out
}

// DecodeMinutes reads what EncodeMinutes wrote.
func DecodeMinutes(b []byte) (out []RobotMinute) {
	for len(b) >= minuteBytes {
		out, b = append(out, decodeMinute(b)), b[minuteBytes:]
	}
	return out
}

func encodeMinute(out []byte, m RobotMinute) []byte {
	out = append(out, small(float64(m.Minute)))
	for _, p := range [...]float64{m.CPU, m.Memory, m.Disk} {
		out = binary.BigEndian.AppendUint16(out, uint16(bounded(p*100, math.MaxUint16)))
	}
	out = binary.BigEndian.AppendUint32(out, uint32(bounded(m.MemoryMB, math.MaxUint32)))
	return append(out, small(float64(m.Slots)), small(float64(m.Taken)))
}

func decodeMinute(b []byte) RobotMinute {
	percent := func(at int) float64 { return float64(binary.BigEndian.Uint16(b[at:])) / 100 }
	return RobotMinute{
		Minute: int(b[0]), CPU: percent(1), Memory: percent(3), Disk: percent(5), MemoryMB: float64(binary.BigEndian.Uint32(b[7:])),
		Slots: int(b[11]), Taken: int(b[12]),
	}
}

func small(v float64) byte { return byte(bounded(v, math.MaxUint8)) }

// bounded is a number as it fits; what is no number is 0.
func bounded(v, most float64) float64 {
	if math.IsNaN(v) || v < 0 {
		return 0
	}
	return min(math.Round(v), most)
}
