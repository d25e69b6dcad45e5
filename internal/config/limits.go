package config

import (
	"reflect"
	"strings"

	"github.com/casarerpa/fleet/fleet"
)

// Limits is what the orchestrator accepts at most. Beyond a limit the answer is
// an error that names the limit; nothing is cut off silently.
type Limits struct {
	Body          Size `help:"request body (413 beyond)" default:"1MiB" env:"BODY"`
	Workflow      Size `help:"workflow document, also uploaded (413)" default:"10MiB" env:"WORKFLOW"`
	Bulk          Size `help:"body of a bulk submit (413)" default:"16MiB" env:"BULK"`
	BulkJobs      int  `help:"jobs in a bulk submit (422)" default:"1000" env:"BULK_JOBS"`
	BulkItems     int  `help:"items in a bulk add to a queue (422)" default:"10000" env:"BULK_ITEMS"`
	ExportJobs    int  `help:"jobs of one export (422)" default:"100000" env:"EXPORT_JOBS"`
	Queues        int  `help:"queues of a tenant (429)" default:"1000" env:"QUEUES"`
	Schedules     int  `help:"schedules of a tenant (429)" default:"100000" env:"SCHEDULES"`
	Triggers      int  `help:"triggers of a tenant (429)" default:"1000" env:"TRIGGERS"`
	Webhooks      int  `help:"webhooks of a tenant (429)" default:"100" env:"WEBHOOKS"`
	ScheduleEvery int  `help:"seconds between two instants of a schedule at least; 10 or more (422)" default:"10" env:"SCHEDULE_EVERY"`
	Pattern       int  `help:"characters of a regular expression in the schema of a queue (422)" default:"1000" env:"PATTERN"`
	JSONDepth     int  `name:"json-depth" help:"nesting of a JSON body (400)" default:"64" env:"JSON_DEPTH"`
	JSONKeys      int  `name:"json-keys" help:"keys of one JSON object (400)" default:"10000" env:"JSON_KEYS"`
	JSONString    Size `name:"json-string" help:"one JSON text (400)" default:"1MiB" env:"JSON_STRING"`
	Header        Size `help:"all headers of a request (431)" default:"32KiB" env:"HEADER"`
	URL           Size `name:"url" help:"length of a URL (414)" default:"8KiB" env:"URL"`
	QueryParams   int  `help:"parameters of a query (422)" default:"100" env:"QUERY_PARAMS"`
	Page          int  `help:"entries of one page of a list (422), of events and audit twice as many; at most 500" default:"500" env:"PAGE"`
	Streams       int  `help:"open streams of events of one key or person (429)" default:"20" env:"STREAMS"`
	Topics        int  `help:"topics of one stream (422)" default:"100" env:"TOPICS"`
	Nodes         int  `help:"nodes of a workflow (422)" default:"10000" env:"NODES"`
	Connections   int  `help:"connections of a workflow (422)" default:"50000" env:"CONNECTIONS"`
	Result        Size `help:"result of a job (413)" default:"10MiB" env:"RESULT"`
	Logs          Size `help:"log of one attempt; the rest is counted as dropped" default:"50MiB" env:"LOGS"`
	Sockets       int  `help:"robot sockets of a tenant (429 in the handshake)" default:"50000" env:"SOCKETS"`
	Handshakes    int  `help:"handshakes under way from one address (429)" default:"200" env:"HANDSHAKES"`
	AllHandshakes int  `help:"handshakes under way in all (503)" default:"1000" env:"ALL_HANDSHAKES"`
	Pending       int  `help:"waiting jobs of a tenant (429)" default:"100000" env:"PENDING"`
	Parents       int  `help:"jobs that one job waits for (422)" default:"100" env:"PARENTS"`
	Children      int  `help:"jobs that wait for one job (422)" default:"1000" env:"CHILDREN"`
	Segments      int  `help:"segments into which the places of its nodes may cut a workflow (422)" default:"50" env:"SEGMENTS"`
	Submits       int  `help:"submitted jobs of a tenant a minute (429)" default:"6000" env:"SUBMITS"`
	Requests      int  `help:"requests of one key or person a minute (429)" default:"600" env:"REQUESTS"`
	Addresses     int  `help:"requests without a credential from one address, or one IPv6 /64, a minute (429)" default:"600" env:"ADDRESSES"`
	SignIns       int  `help:"sign-ins from one address a minute (429)" default:"10" env:"SIGN_INS"`
	Enrolments    int  `help:"enrolments of robots from one address a minute (429)" default:"10" env:"ENROLMENTS"`
	RobotFrames   int  `help:"frames of one robot a second, sustained; beyond it the socket is read more slowly" default:"2000" env:"ROBOT_FRAMES"`
	// Robots that poll, and what is too large for the socket.
	RobotRequests    int `help:"requests of one robot a second (429); a lane of its own" default:"20" env:"ROBOT_REQUESTS"`
	MetricsFleet     int `help:"requests of one key for the figures of the fleet a minute (429)" default:"100" env:"METRICS_FLEET"`
	MetricsRobots    int `help:"… for the figures of all robots" default:"100" env:"METRICS_ROBOTS"`
	MetricsRobot     int `help:"… for the figures of one robot" default:"200" env:"METRICS_ROBOT"`
	MetricsJobs      int `help:"… for the figures of jobs" default:"100" env:"METRICS_JOBS"`
	MetricsJob       int `help:"… for the figures of one job" default:"200" env:"METRICS_JOB"`
	MetricsAnalytics int `help:"… for analytics" default:"100" env:"METRICS_ANALYTICS"`
	MetricsActivity  int `help:"… for the activity feed" default:"100" env:"METRICS_ACTIVITY"`
	InFlight         int `help:"requests under way; from half of it on analytics and exports are refused, then lists, then submissions (503), robots' work last" default:"1000" env:"IN_FLIGHT"`
	ClaimHold        int `help:"seconds for which the claim of a polling robot waits for a job; its program gives up after 30" default:"20" env:"CLAIM_HOLD"`
}

// DefaultLimits are the defaults above, for programs and tests without a command line.
func DefaultLimits() Limits {
	var l Limits
	v := reflect.ValueOf(&l).Elem()
	for i := range v.NumField() {
		text := v.Type().Field(i).Tag.Get("default")
		var s Size
		if err := s.UnmarshalText([]byte(text)); err == nil {
			v.Field(i).SetInt(int64(s))
		}
	}
	return l
}

// Validate wants every limit positive, and the ones that contain others larger.
func (l Limits) Validate() error {
	v := reflect.ValueOf(l)
	for i := range v.NumField() {
		if v.Field(i).Int() <= 0 {
			name := "limit-" + strings.ToLower(v.Type().Field(i).Name)
			return fleet.Invalid(name, "%s must be positive; got %d.", name, v.Field(i).Int())
		}
	}
	if l.ScheduleEvery < 10 {
		return fleet.Invalid("limit-scheduleevery", "limit-schedule-every must be at least 10 (seconds); got %d.", l.ScheduleEvery)
	}
	if l.ClaimHold > 25 {
		return fleet.Invalid("limit-claimhold", "limit-claim-hold may be at most 25 (seconds): the robots that poll give up after 30; got %d.", l.ClaimHold)
	}
	if l.Page > fleet.PageMax {
		return fleet.Invalid("limit-page", "limit-page must be at most %d; got %d.", fleet.PageMax, l.Page)
	}
	if l.Workflow < l.Body || l.Bulk < l.Body {
		return fleet.Invalid("limit-body", "limit-workflow and limit-bulk must not be smaller than limit-body (%s).", l.Body)
	}
	return nil
}
