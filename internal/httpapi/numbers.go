package httpapi

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// The numbers of the fleet. All of them are read from rollups; none looks at
// jobs one by one.

func (a *API) numberRoutes() {
	get := func(path, id, summary, description string, rate rateClass) operation {
		return operation{
			method: http.MethodGet, path: Base + path, id: id, summary: summary, description: description,
			may: need(fleet.NumbersRead), rate: rate,
		}
	}
	route(a, get("/metrics/fleet", "numbers.fleet", "The fleet at a glance",
		"Robots by status, what waits and runs now, and jobs in a range. A mean or rate of nothing is 0.", rateFleet), a.fleetNumbers)
	route(a, get("/metrics/analytics", "numbers.analytics", "The last days in numbers",
		"Rates are of jobs that completed, failed or timed out: cancelled ones and those that have not ended are in neither.", rateAnalytics), a.analytics)
	route(a, get("/analytics/overview", "numbers.overview", "A window beside the one before it", "", rateAnalytics), a.numbersOverview)
	route(a, get("/analytics/throughput", "numbers.series", "A window bucket by bucket: jobs by outcome, percentiles, waiting, queue depth",
		"Buckets of 5 minutes, an hour or a day; which, the length of the window decides unless step says so. Short buckets are kept for 3 days, hours for 100, days for 800.", rateAnalytics), a.numbersSeries)
	for _, t := range [...]struct {
		path, id string
		by       fleet.RollupDim
	}{
		{"workflows", "numbers.workflows", fleet.DimWorkflow},
		{"robots", "numbers.robots", fleet.DimRobot},
		{"environments", "numbers.environments", fleet.DimEnvironment},
		{"triggers", "numbers.triggers", fleet.DimTrigger},
	} {
		route(a, get("/analytics/"+t.path, t.id, "A window by "+t.path,
			"Sorted by jobs, slowest (at least 3 completed runs), degraded (longer than in the window before), failures, waits or utilization.", rateAnalytics),
			func(ctx context.Context, in *numbersTableInput) (*numbersTableReply, error) {
				return a.numbersTable(ctx, in, t.by)
			})
	}
	route(a, get("/analytics/waiting", "numbers.waits", "What the jobs that ended in a window waited for", "", rateAnalytics), a.numbersWaits)
	route(a, get("/analytics/failures", "numbers.failures", "Failures of a window, those that are alike together", "", rateAnalytics), a.numbersFailures)
	route(a, get("/analytics/heatmap", "numbers.heat", "How busy the slots were, by weekday and hour",
		"In the time zone that is asked for, or the tenant's. Weekday 0 is Monday.", rateAnalytics), a.numbersHeat)
}

// NumbersInput selects a window and what is counted in it.
type NumbersInput struct {
	Range       string `query:"range" doc:"A number of hours or days that end now, such as 24h or 7d (if nothing is given)."`
	From        string `query:"from" doc:"In place of range; without a zone it is UTC."`
	To          string `query:"to" doc:"Now if left out."`
	Timezone    string `query:"timezone" doc:"IANA name; that of the tenant if left out."`
	Workflow    string `query:"workflow_id" doc:"Of one workflow alone."`
	Robot       string `query:"robot_id" doc:"Of one robot alone."`
	Environment string `query:"environment" doc:"Of one environment alone."`
	Trigger     string `query:"trigger" doc:"request, retry or dependency."`
}

func (in *NumbersInput) query() (q orchestrator.NumbersQuery, err error) {
	q = orchestrator.NumbersQuery{
		Range: in.Range, Timezone: in.Timezone, Workflow: fleet.ID(in.Workflow), Robot: fleet.RobotID(in.Robot), Environment: in.Environment, Trigger: in.Trigger,
	}
	if q.From, err = looseTime("from", in.From); err != nil {
		return q, err
	}
	q.To, err = looseTime("to", in.To)
	return q, err
}

type fleetNumbersInput struct {
	Range string `query:"time_range" doc:"1h, 24h (if left out), 7d or 30d."`
}

type fleetNumbersReply struct{ Body fleet.FleetNumbers }

func (a *API) fleetNumbers(ctx context.Context, in *fleetNumbersInput) (*fleetNumbersReply, error) {
	out, err := a.o.Orchestrator.Numbers.Fleet(ctx, auth.From(ctx), in.Range)
	stamp(&out.AsOf)
	return &fleetNumbersReply{out}, err
}

type analyticsInput struct {
	Days int `query:"days" default:"7" doc:"1 to 90."`
}

type analyticsReply struct{ Body fleet.FleetAnalytics }

func (a *API) analytics(ctx context.Context, in *analyticsInput) (*analyticsReply, error) {
	out, err := a.o.Orchestrator.Numbers.Analytics(ctx, auth.From(ctx), in.Days)
	stamp(&out.AsOf)
	return &analyticsReply{out}, err
}

func showWindow(w *fleet.NumbersWindow) { stamp(&w.From, &w.To, &w.AsOf) }

type numbersOverviewReply struct{ Body fleet.NumbersOverview }

func (a *API) numbersOverview(ctx context.Context, in *NumbersInput) (*numbersOverviewReply, error) {
	q, err := in.query()
	if err != nil {
		return nil, err
	}
	out, err := a.o.Orchestrator.Numbers.Overview(ctx, auth.From(ctx), q)
	showWindow(&out.NumbersWindow)
	return &numbersOverviewReply{out}, err
}

type numbersSeriesInput struct {
	NumbersInput
	Step string `query:"step" enum:"5m,1h,1d" doc:"Length of a bucket."`
}

type numbersSeriesReply struct{ Body fleet.NumbersSeries }

func (a *API) numbersSeries(ctx context.Context, in *numbersSeriesInput) (*numbersSeriesReply, error) {
	q, err := in.query()
	if err != nil {
		return nil, err
	}
	step := map[string]fleet.RollupSpan{"5m": fleet.SpanShort, "1h": fleet.SpanHour, "1d": fleet.SpanDay}[in.Step]
	if step == 0 && in.Step != "" {
		return nil, fleet.Invalid("step", "step must be 5m, 1h or 1d; got %q.", clip(in.Step, 40))
	}
	out, err := a.o.Orchestrator.Numbers.Series(ctx, auth.From(ctx), q, step)
	showWindow(&out.NumbersWindow)
	return &numbersSeriesReply{out}, err
}

type numbersTableInput struct {
	NumbersInput
	Sort  string `query:"sort" default:"jobs" doc:"jobs, slowest, degraded, failures, waits or utilization."`
	Limit int    `query:"limit" default:"20" doc:"1 to 500."`
}

type numbersTableReply struct{ Body fleet.NumbersTable }

func (a *API) numbersTable(ctx context.Context, in *numbersTableInput, by fleet.RollupDim) (*numbersTableReply, error) {
	q, err := in.query()
	if err != nil {
		return nil, err
	}
	out, err := a.o.Orchestrator.Numbers.Table(ctx, auth.From(ctx), q, by, in.Sort, in.Limit)
	showWindow(&out.NumbersWindow)
	return &numbersTableReply{out}, err
}

type numbersWaitsReply struct{ Body fleet.WaitTable }

func (a *API) numbersWaits(ctx context.Context, in *NumbersInput) (*numbersWaitsReply, error) {
	q, err := in.query()
	if err != nil {
		return nil, err
	}
	out, err := a.o.Orchestrator.Numbers.Waits(ctx, auth.From(ctx), q)
	showWindow(&out.NumbersWindow)
	return &numbersWaitsReply{out}, err
}

type numbersFailuresInput struct {
	NumbersInput
	Limit int `query:"limit" default:"20" doc:"1 to 500."`
}

type numbersFailuresReply struct{ Body fleet.FailureTable }

func (a *API) numbersFailures(ctx context.Context, in *numbersFailuresInput) (*numbersFailuresReply, error) {
	q, err := in.query()
	if err != nil {
		return nil, err
	}
	out, err := a.o.Orchestrator.Numbers.Failures(ctx, auth.From(ctx), q, in.Limit)
	showWindow(&out.NumbersWindow)
	return &numbersFailuresReply{out}, err
}

type numbersHeatReply struct{ Body fleet.HeatMap }

func (a *API) numbersHeat(ctx context.Context, in *NumbersInput) (*numbersHeatReply, error) {
	q, err := in.query()
	if err != nil {
		return nil, err
	}
	out, err := a.o.Orchestrator.Numbers.Heat(ctx, auth.From(ctx), q)
	showWindow(&out.NumbersWindow)
	return &numbersHeatReply{out}, err
}
