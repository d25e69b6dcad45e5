package httpapi

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// ReservationBody makes or changes a reservation.
type ReservationBody struct {
	Name     string               `json:"name"`
	Selector fleet.Selector       `json:"selector" doc:"Of the robots whose slots are kept."`
	Slots    int                  `json:"slots,omitempty" doc:"How many; all of them if left out or 0."`
	For      fleet.ReservationFor `json:"for" doc:"The jobs that may use them; the given parts must all hold."`
	Windows  []fleet.Window       `json:"windows,omitempty" doc:"When it holds; always if left out, and cron too."`
	Cron     string               `json:"cron,omitempty" doc:"In place of windows: five fields or an alias; a window opens at each instant."`
	Length   int                  `json:"length_seconds,omitempty" doc:"Of a window that opens by cron."`
	Timezone string               `json:"timezone,omitempty" doc:"In which cron is read, an IANA name; UTC if left out."`
	Lend     bool                 `json:"lend,omitempty" doc:"Others may use what no holder waits for."`
	Recall   fleet.RecallMode     `json:"recall,omitempty" doc:"finish (if left out): what runs on a lent slot ends by itself; stop: it is stopped when a holder waits, and waits again itself."`
	Grace    *int                 `json:"recall_grace_seconds,omitempty" doc:"How long one that is stopped may take to end its step; 60 if left out."`
	Enabled  *bool                `json:"enabled,omitempty" doc:"true if left out."`
	Note     string               `json:"note,omitempty"`
}

// ReservationAnswer is a reservation as it was stored.
type ReservationAnswer struct {
	fleet.Reservation
	Warnings []string `json:"warnings,omitempty"`
}

// ReservationList is all reservations of the tenant, the oldest first.
type ReservationList struct {
	Reservations []fleet.Reservation `json:"reservations"`
}

func (a *API) reservationRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/reservations", id: "reservations.list", summary: "List reservations, the oldest first",
		may: need(fleet.RobotsRead), rate: rateRead,
	}, a.listReservations)
	route(a, operation{
		method: http.MethodPost, path: Base + "/reservations", id: "reservations.create", summary: "Keep slots free for the work that matters",
		may: need(fleet.ReservationsManage), rate: rateWrite, status: http.StatusCreated, body: jsonBody[ReservationBody](plainBody, true),
	}, a.createReservation)
	route(a, operation{
		method: http.MethodGet, path: Base + "/reservations/{id}", id: "reservations.get", summary: "Get a reservation",
		may: need(fleet.RobotsRead), rate: rateRead,
	}, a.getReservation)
	route(a, operation{
		method: http.MethodPut, path: Base + "/reservations/{id}", id: "reservations.update", summary: "Replace a reservation",
		may: need(fleet.ReservationsManage), rate: rateWrite, body: jsonBody[ReservationBody](plainBody, true),
	}, a.updateReservation)
	route(a, operation{
		method: http.MethodDelete, path: Base + "/reservations/{id}", id: "reservations.delete", summary: "Let the slots of a reservation go",
		may: need(fleet.ReservationsManage), rate: rateWrite, status: http.StatusNoContent,
	}, a.deleteReservation)
}

func showReservation(r fleet.Reservation) fleet.Reservation {
	stamp(&r.CreatedAt, &r.UpdatedAt)
	return r
}

type reservationsReply struct{ Body ReservationList }

func (a *API) listReservations(ctx context.Context, _ *struct{}) (*reservationsReply, error) {
	list, err := a.o.Orchestrator.Reservations.List(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	return &reservationsReply{ReservationList{showAll(list, showReservation)}}, nil
}

type newReservationReply struct {
	Location string `header:"Location"`
	Body     ReservationAnswer
}

func (a *API) createReservation(ctx context.Context, _ *struct{}) (*newReservationReply, error) {
	out, err := a.putReservation(ctx, "")
	if err != nil {
		return nil, err
	}
	return &newReservationReply{Location: Base + "/reservations/" + string(out.ID), Body: out}, nil
}

func (a *API) putReservation(ctx context.Context, id fleet.ID) (out ReservationAnswer, err error) {
	body, err := decode[ReservationBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return out, err
	}
	grace := 0
	switch {
	case body.Grace != nil:
		grace = *body.Grace
	case body.Recall == fleet.RecallStop:
		grace = fleet.DefaultRecallGrace
	}
	stored, warnings, err := a.o.Orchestrator.Reservations.Put(ctx, auth.From(ctx), fleet.Reservation{
		ID: id, Cron: body.Cron, LengthSeconds: body.Length, Timezone: body.Timezone, Recall: body.Recall, RecallGraceSeconds: grace, Name: body.Name, Selector: body.Selector, Slots: body.Slots, For: body.For, Windows: body.Windows, Lend: body.Lend,
		Enabled: body.Enabled == nil || *body.Enabled, Note: body.Note,
	})
	return ReservationAnswer{showReservation(stored), warnings}, err
}

type reservationInput struct {
	ID string `path:"id"`
}

func (in *reservationInput) id() (fleet.ID, error) {
	if id := fleet.ID(in.ID); id.Valid() {
		return id, nil
	}
	return "", fleet.NotFound("reservation", in.ID)
}

type reservationReply struct{ Body ReservationAnswer }

func (a *API) getReservation(ctx context.Context, in *reservationInput) (*reservationReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	r, err := a.o.Orchestrator.Reservations.Get(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	return &reservationReply{ReservationAnswer{Reservation: showReservation(r)}}, nil
}

func (a *API) updateReservation(ctx context.Context, in *reservationInput) (*reservationReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	out, err := a.putReservation(ctx, id)
	if err != nil {
		return nil, err
	}
	return &reservationReply{out}, nil
}

func (a *API) deleteReservation(ctx context.Context, in *reservationInput) (*struct{}, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	return nil, a.o.Orchestrator.Reservations.Delete(ctx, auth.From(ctx), id)
}
