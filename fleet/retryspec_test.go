package fleet

import (
	"reflect"
	"testing"
	"time"
)

// What was asked of the first job is asked of the one that repeats it.
func TestRetryKeepsWhatWasAsked(t *testing.T) {
	asked := JobSpec{
		ID: "a", Tenant: "t", Name: "n", Workflow: JobWorkflow{ID: "w", Name: "w", Version: 1, Hash: "h"}, Priority: 3, Environment: "prod", Requires: Capabilities{"gpu"}, Target: "r1",
		Placement: Placement{Pool: "web", Sticky: &Sticky{Mode: StickySoft, Key: "k"}}, Labels: map[string]string{"team": "pay"},
		RunTimeout: time.Hour, Retry: DefaultRetry(), RetrySafety: RetryAlways, SubmittedBy: "ada",
	}
	job := NewJob(asked, time.Now())
	job.State = Failed
	again, err := Subject{Job: job}.RetrySpec("b", "bob")
	if err != nil {
		t.Fatal(err)
	}
	want := asked
	want.ID, want.RetryOf, want.SubmittedBy = "b", "a", "bob"
	if !reflect.DeepEqual(again, want) {
		t.Errorf("asked for\n%+v, got\n%+v", want, again)
	}
}
