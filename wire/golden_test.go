package wire

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew; read the difference before you commit")

const (
	job  = fleet.ID("01939c3e-7b1a-7c3d-8e4f-0123456789ab")
	job2 = fleet.ID("01939c3e-7b1a-7c3d-8e4f-0123456789ac")
)

// examples holds one message of every type, with every field set.
func examples(from Direction) []Message {
	ref := Ref{JobID: job, Epoch: 3}
	at := At(time.Date(2025, 3, 4, 5, 6, 7, 891234567, time.UTC))
	no := false
	if from == FromRobot {
		return []Message{
			&Hello{
				InstanceID: "i-1", BootID: "b-1", JournalID: "j-1", AgentVersion: "0.1.0", OS: "linux", Arch: "amd64", Hostname: "host-1",
				Name: "Robot one", Protocols: []int{2}, Features: []string{FeatureEffects, FeatureResultRef},
				Capabilities: fleet.Capabilities{"browser", "python"}, Facts: map[string]any{"python": "3.12"}, Tags: fleet.Capabilities{"eu"},
				MaxJobs: 4, Resume: &Resume{SessionID: job2, Token: "t-1"}, LastReportID: 9, AckedReportID: 7,
				Attempts: []HeldAttempt{{Ref: ref, Phase: PhaseEffectOpen, Node: "n1"}}, ReportedStatus: fleet.ReportedReady,
			},
			&Heartbeat{
				Attempts: []BeatAttempt{{Ref: ref, Progress: 40, Node: "n1"}}, CPUPercent: 12.5, MemoryPercent: 50, MemoryMB: 2048,
				DiskPercent: 71.25, JournalFree: 1 << 30, Status: fleet.ReportedBusy, Lag: fleet.Duration(3 * time.Millisecond),
			},
			&JobAccept{Ref: ref},
			&JobReject{Ref: ref, Reason: fleet.RejectAtCapacity, Detail: "all 4 slots are taken", RetryAfter: fleet.Duration(5 * time.Second)},
			&JobStarted{Ref: ref, At: at},
			&JobProgress{Ref: ref, Progress: 40, CurrentNode: "n1", Message: "row 4 of 10 <ok>"},
			&EffectBegin{Ref: ref, Node: "n1", EffectKey: "0"},
			&EffectEnd{Ref: ref, Node: "n1", EffectKey: "0", OK: true, Outcome: json.RawMessage(`{"status":200}`)},
			&Checkpoint{Ref: ref, Node: "n1", Data: json.RawMessage(`{"row":4}`)},
			&JobComplete{
				Ref: ref, Result: json.RawMessage(`{"success":true}`), Duration: fleet.Duration(1500 * time.Millisecond),
				Stats: map[string]int64{"nodes_executed": 5},
			},
			&JobFailed{
				Ref: ref, Duration: fleet.Duration(time.Second),
				Error: fleet.JobError{Class: fleet.ClassApplication, Code: "x", Type: "ValueError", Message: "no", Node: "n1", Stack: "at n1", Retryable: &no},
			},
			&JobCancelled{
				Ref: ref, By: fleet.ByTimeout, How: fleet.StoppedForced, Duration: fleet.Duration(time.Second),
				Error: &fleet.JobError{Class: fleet.ClassTimeout, Message: "too long"},
			},
			&LogBatch{Ref: ref, FirstLine: 11, Dropped: 2, Lines: []LogLine{{At: at, Level: "info", Node: "n1", Message: "grüezi"}}, FirstStep: 4, Steps: []Step{{
				Seq: 3, Node: "n1", NodeType: "SetVariableNode", Iteration: "2.0", Branch: "left", Status: fleet.StepFailed, At: at,
				Took: fleet.Duration(5 * time.Millisecond), Error: "no",
			}}},
			&SecretGet{Ref: ref, Name: "erp"},
			&CommandResult{CommandID: "c-1", OK: true, Message: "paused"},
			&RobotDrain{Reason: "stop"},
			&Disconnect{Reason: "stop", Final: true},
			&Error{Code: UnknownType, Message: "no", InReplyTo: "m-0"},
		}
	}
	return []Message{
		&Welcome{
			SessionID: job2, SessionEpoch: 5, ResumeToken: "t-2", RobotID: "bot-1", Tenant: "default", Environment: "default",
			StoreGeneration: 1, CommittedReportID: 7, Heartbeat: fleet.Duration(10 * time.Second), Lease: fleet.Duration(time.Minute),
			Fence: fleet.Duration(50 * time.Second), AcceptWithin: fleet.Duration(10 * time.Second), StopGrace: fleet.Duration(time.Minute),
			Limits:     Limits{Frame: MaxFrame, ResultInline: MaxInline, Result: MaxResult, LogWindow: 1000, LogBytes: 50 << 20},
			GrantedMax: 4, Mode: fleet.ModeActive, ServerVersion: "0.1.0", Features: []string{FeatureEffects}, ServerTime: at,
			Desired: []Desired{
				{Ref: ref, Want: WantCancel, Reason: "asked", Cause: fleet.StopCancel, Grace: fleet.Duration(time.Minute), Force: true},
				{Ref: Ref{JobID: job2, Epoch: 1}, Want: WantContinue, AttemptToken: "a-1"},
			},
		},
		&HeartbeatAck{
			Echo: "m-1", Renewed: []Ref{ref}, Stale: []Ref{{JobID: job2, Epoch: 1}}, Heartbeat: fleet.Duration(10 * time.Second), Mode: fleet.ModeActive,
			Cancel: []CancelRef{{Ref: ref, Reason: "asked", Cause: fleet.StopCancel, Grace: fleet.Duration(time.Minute), Force: true}},
		},
		&JobAssign{
			Ref: ref, Number: 3, WorkflowID: job2, WorkflowName: "w", WorkflowHash: "h", Workflow: json.RawMessage(`{"nodes":{}}`),
			Variables: json.RawMessage(`{"a":1}`), Priority: 10, Timeout: fleet.Duration(time.Hour), AcceptWithin: fleet.Duration(10 * time.Second),
			Lease: fleet.Duration(time.Minute), RetrySafety: fleet.RetryUntilEffect, Secrets: []string{"erp"}, Checkpoint: json.RawMessage(`{"row":4}`),
			Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		},
		&JobStart{Ref: ref, Lease: fleet.Duration(time.Minute), Echo: "m-2", AttemptToken: "a-1"},
		&JobCancel{Ref: ref, Reason: "asked", Cause: fleet.StopCancel, Grace: fleet.Duration(time.Minute), Force: true},
		&JobForget{Ref: ref, Reason: ForgetFenced},
		&ReportAck{Upto: 9, Verdicts: []fleet.Verdict{{ReportID: 9, Verdict: fleet.VerdictSkip, Outcome: json.RawMessage(`{"status":200}`)}}},
		&LogAck{Ref: ref, NextLine: 12, Window: 1000, NextStep: 5},
		&Secret{Ref: ref, Name: "erp", Value: "not a real one"},
		&DrainAck{},
		&Pause{CommandID: "c-1"},
		&ResumeWork{CommandID: "c-2"},
		&Restart{CommandID: "c-3"},
		&SelfTest{CommandID: "c-8"},
		&Shutdown{CommandID: "c-4", Graceful: true},
		&Drain{CommandID: "c-5"},
		&Config{Heartbeat: fleet.Duration(20 * time.Second), Lease: fleet.Duration(time.Minute), Fence: fleet.Duration(50 * time.Second), StopGrace: fleet.Duration(time.Minute), GrantedMax: 2},
		&Goaway{Reason: "restart", ReconnectAfter: fleet.Duration(time.Second), To: "wss://other:8443"},
		&Error{Code: UnknownType, Message: "no", InReplyTo: "m-0", RetryAfter: fleet.Duration(time.Second), Fatal: true},
	}
}

// exampleFrame puts a message into a fixed envelope.
func exampleFrame(m Message) Frame {
	f := Frame{
		Type: m.Type(), ID: "m-1", CorrelationID: "m-0", Seq: 7, Session: 5,
		Timestamp: At(time.Date(2025, 3, 4, 5, 6, 7, 0, time.UTC)), Payload: m,
	}
	if IsReport(m.Type()) {
		f.ReportID = 9
	}
	return f
}

func TestGolden(t *testing.T) {
	for from, side := range map[Direction]string{FromRobot: "robot", FromOrchestrator: "orchestrator"} {
		list := examples(from)
		if len(list) != len(Types(from)) {
			t.Fatalf("%s: %d examples for %d types", side, len(list), len(Types(from)))
		}
		for i, m := range list {
			if m.Type() != Types(from)[i] {
				t.Fatalf("%s: example %d is %s, want %s", side, i, m.Type(), Types(from)[i])
			}
			t.Run(side+"/"+string(m.Type()), func(t *testing.T) {
				path := filepath.Join("testdata", "v2", side+"."+string(m.Type())+".json")
				got, err := Encode(exampleFrame(m))
				if err != nil {
					t.Fatal(err)
				}
				if *update {
					var pretty bytes.Buffer
					if err := json.Indent(&pretty, got, "", "  "); err != nil {
						t.Fatal(err)
					}
					pretty.WriteByte('\n')
					if err := os.WriteFile(path, pretty.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				golden, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				var want bytes.Buffer
				if err := json.Compact(&want, golden); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want.String(), string(got)); diff != "" {
					t.Errorf("bytes differ (-golden +encoded):\n%s", diff)
				}
				back, err := Decode(golden, from)
				if err != nil {
					t.Fatal(err)
				}
				// Opaque bodies come back with the golden's white space.
				again, err := Encode(back)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(got), string(compact(t, again))); diff != "" {
					t.Errorf("decoding loses something (-first +second):\n%s", diff)
				}
			})
		}
	}
}

func compact(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
