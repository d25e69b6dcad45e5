package data

import (
	"math"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// currentDateTime writes local time without a zone, as Python does; only a zone
// that was asked for is shown.
func currentDateTime(c *engine.Call) error {
	now := c.Host().Now().In(time.Local) // which counts as a time without zone
	if name := c.Text("timezone"); name != "" {
		if zone, err := time.LoadLocation(name); err == nil {
			now = now.In(zone)
		} else {
			c.Note("time zone " + name + " is unknown here: local time is used")
		}
	}
	text := value.ISOFormat(now)
	if format := c.Text("format"); format != "" {
		text = value.Strftime(now, format)
	}
	c.Set("datetime", text)
	c.Set("timestamp", timestamp(now))
	setFields(c, now)
	c.Set("day_of_week", now.Weekday().String())
	return nil
}

func setFields(c *engine.Call, t time.Time) {
	c.Set("year", int64(t.Year()))
	c.Set("month", int64(t.Month()))
	c.Set("day", int64(t.Day()))
	c.Set("hour", int64(t.Hour()))
	c.Set("minute", int64(t.Minute()))
	c.Set("second", int64(t.Second()))
}

func formatDateTime(c *engine.Call) error {
	m, err := inputMoment(c)
	if err != nil {
		return err
	}
	format := c.Text("format")
	if format == "" {
		format = "%Y-%m-%d %H:%M:%S"
	}
	c.Set("result", value.Strftime(m.local(), format))
	return nil
}

func inputMoment(c *engine.Call) (moment, error) {
	v := c.Param("datetime")
	if text, ok := v.(string); ok {
		if format := c.Text("input_format"); format != "" {
			at, err := value.Strptime(text, format)
			return parsed(at), err
		}
	}
	return momentOf(v, "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y")
}

// parseDateTime tries the day before the month where a text may be read both
// ways, like the original.
func parseDateTime(c *engine.Call) error {
	m, err := parsedText(c.Text("datetime_string"), c.Text("format"))
	c.Set("success", err == nil)
	if err != nil {
		return err
	}
	c.Set("timestamp", m.timestamp())
	setFields(c, m.time)
	c.Set("iso_format", m.iso())
	return nil
}

func parsedText(text, format string) (moment, error) {
	if text == "" {
		return moment{}, engine.Failed("datetime_string is required")
	}
	if format != "" {
		at, err := value.Strptime(text, format)
		return parsed(at), err
	}
	// The day comes before the month where both could be meant.
	return momentOf(text,
		"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d",
		"%d/%m/%Y %H:%M:%S", "%d/%m/%Y", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d")
}

// dateTimeAdd counts a month as 30 days and a year as 365, as the original does.
func dateTimeAdd(c *engine.Call) error {
	base := naive(c.Host().Now().In(time.Local))
	if c.Has("datetime") {
		var err error
		if base, err = momentOf(c.Param("datetime")); err != nil {
			return err
		}
	}
	var days, seconds int64
	for _, unit := range []struct {
		name          string
		days, seconds int64
	}{
		{"years", 365, 0},
		{"months", 30, 0},
		{"weeks", 7, 0},
		{"days", 1, 0},
		{"hours", 0, 3600},
		{"minutes", 0, 60},
		{"seconds", 0, 1},
	} {
		n, err := c.Int(unit.name, 0)
		if err != nil {
			return err
		}
		if n > math.MaxInt32 || n < math.MinInt32 {
			return value.Errorf("OverflowError", "date value out of range")
		}
		days += n * unit.days
		seconds += n * unit.seconds
	}
	sum, err := base.add(days, seconds)
	if err != nil {
		return err
	}
	c.Set("result", sum.iso())
	c.Set("timestamp", sum.timestamp())
	return nil
}

// dateTimeDiff gives totals as floats; the parts are those of the distance, and
// only the days carry the sign.
func dateTimeDiff(c *engine.Call) error {
	first, second, err := twoMoments(c)
	if err != nil {
		return err
	}
	total, err := second.since(first)
	if err != nil {
		return err
	}
	c.Set("total_seconds", total)
	c.Set("total_minutes", total/60)
	c.Set("total_hours", total/3600)
	c.Set("total_days", total/86400)
	rest := int64(math.Abs(total))
	days := rest / 86400
	if total < 0 {
		days = -days
	}
	c.Set("days", days)
	c.Set("hours", rest%86400/3600)
	c.Set("minutes", rest%3600/60)
	c.Set("seconds", rest%60)
	return nil
}

// dateTimeCompare cannot compare a time with a zone to one without: nobody
// knows how far apart they are.
func dateTimeCompare(c *engine.Call) error {
	first, second, err := twoMoments(c)
	if err != nil {
		return err
	}
	if first.naive != second.naive {
		return value.Errorf("TypeError", "can't compare offset-naive and offset-aware datetimes")
	}
	order := int64(first.time.Compare(second.time))
	c.Set("is_before", order < 0)
	c.Set("is_after", order > 0)
	c.Set("is_equal", order == 0)
	c.Set("comparison", order)
	return nil
}

func twoMoments(c *engine.Call) (first, second moment, err error) {
	if first, err = momentOf(c.Param("datetime_1")); err != nil {
		return first, second, err
	}
	second, err = momentOf(c.Param("datetime_2"))
	return first, second, err
}

// getTimestamp gives a float with the fractions of a second, also in milliseconds.
func getTimestamp(c *engine.Call) error {
	at := timestamp(c.Host().Now())
	if c.Bool("milliseconds") {
		at *= 1000
	}
	c.Set("timestamp", at)
	return nil
}
