package wire

// The protocol that this package speaks.
const (
	Version     = 2
	Subprotocol = "fleet.v2"
	Path        = "/ws/v2/robot"
)

// Revision is one line of the protocol's history.
type Revision struct {
	Version int
	Since   string // release of the program
	What    string
}

// History tells what changed and when, oldest first. Fields may be added inside
// a version; a line here is needed when an old peer would act wrongly.
func History() []Revision {
	return []Revision{
		{2, "0.1.0", "first version of this program: envelopes, two-step start, journalled reports, leases with self-fencing. Version 1 stands for the dialects of the original, which are translated at the border"},
	}
}

// The paths of bodies that are too large for a frame. Both take the robot's
// key as a bearer token, as the channel does.
const (
	WorkflowPath = "/api/v1/robot/workflows/" // GET, followed by the workflow's hash
	ResultPath   = "/api/v1/robot/results/"   // PUT, followed by the SHA-256 of the body in hex
)

// The features that a side may name in hello and welcome. A feature that the
// other side did not name must not be used.
const (
	FeatureEffects     = "effects"      // effect_begin waits for go, skip or stop
	FeatureResultRef   = "result_ref"   // large results go up by HTTP first
	FeatureWorkflowRef = "workflow_ref" // large documents are fetched by HTTP
	FeatureLogs        = "logs"         // log_batch with window
	FeatureCommands    = "commands"     // pause, resume, drain, shutdown
	FeatureSteps       = "steps"        // log_batch carries the records of steps
	FeatureSelfTest    = "self_test"    // the robot can be asked to test itself
	FeatureCheckpoint  = "checkpoint"   // a run that failed leaves one, and another goes on from it
)
