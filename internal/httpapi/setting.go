package httpapi

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// SettingList is what an orchestrator was started with.
type SettingList struct {
	Settings []fleet.Setting `json:"settings"`
}

func (a *API) settingRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/settings", id: "settings.list",
		summary: "List the limits that hold and how long history is kept, as this orchestrator was started", may: need(fleet.SystemRead), rate: rateRead,
	}, a.listSettings)
}

type settingsReply struct{ Body SettingList }

func (a *API) listSettings(context.Context, *struct{}) (*settingsReply, error) {
	list, err := config.Settings(a.o.Limits, a.o.Retention)
	if err != nil {
		return nil, fleet.Internal(err)
	}
	return &settingsReply{SettingList{list}}, nil
}
