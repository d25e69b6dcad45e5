package httpapi

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
)

// MemberList is the orchestrators that share the database.
type MemberList struct {
	Members []fleet.Member `json:"members"`
}

func (a *API) memberRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/members", id: "members.list", summary: "List the orchestrators that share the database, as this one sees them",
		may: need(fleet.SystemRead), rate: rateRead,
	}, a.listMembers)
}

type listMembersReply struct{ Body MemberList }

func (a *API) listMembers(context.Context, *struct{}) (*listMembersReply, error) {
	list := []fleet.Member{}
	if a.o.Members != nil {
		list = append(list, a.o.Members()...)
	}
	for i := range list {
		stamp(&list[i].StartedAt)
	}
	return &listMembersReply{MemberList{list}}, nil
}
