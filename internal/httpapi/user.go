package httpapi

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// UserBody makes a person.
type UserBody struct {
	Name     string `json:"name"`
	Email    string `json:"email,omitempty"`
	Role     string `json:"role" enum:"viewer,operator,developer,admin,super_admin"`
	Password string `json:"password" doc:"At least 12 characters."`
}

// UserChangeBody is what is to be different; what is left out stays.
type UserChangeBody struct {
	Name     *string `json:"name,omitempty"`
	Email    *string `json:"email,omitempty"`
	Role     *string `json:"role,omitempty" enum:"viewer,operator,developer,admin,super_admin"`
	Disabled *bool   `json:"disabled,omitempty" doc:"Cannot sign in, and is signed out everywhere."`
}

// NewPasswordBody is a password that somebody else is given.
type NewPasswordBody struct {
	Password string `json:"password" doc:"At least 12 characters."`
}

// UserList is people in the order in which they were made.
type UserList struct {
	Users []fleet.User `json:"users"`
	Next  string       `json:"next_cursor,omitempty"`
}

func (a *API) userRoutes() {
	at := Base + "/users"
	route(a, operation{
		method: http.MethodGet, path: at, id: "users.list", summary: "List people", may: need(fleet.UsersManage), rate: rateRead,
	}, a.listUsers)
	route(a, operation{
		method: http.MethodPost, path: at, id: "users.create", summary: "Make a person who can sign in", may: need(fleet.UsersManage), rate: rateWrite,
		status: http.StatusCreated, body: jsonBody[UserBody](plainBody, true),
	}, a.createUser)
	route(a, operation{
		method: http.MethodGet, path: at + "/{id}", id: "users.get", summary: "Get a person", may: need(fleet.UsersManage), rate: rateRead,
	}, a.getUser)
	route(a, operation{
		method: http.MethodPatch, path: at + "/{id}", id: "users.update", summary: "Change name, role or right to sign in of a person",
		may: need(fleet.UsersManage), rate: rateWrite, body: jsonBody[UserChangeBody](plainBody, true),
	}, a.updateUser)
	route(a, operation{
		method: http.MethodPut, path: at + "/{id}/password", id: "users.password", summary: "Give a person another password; all their sign-ins end",
		may: need(fleet.UsersManage), rate: rateWrite, status: http.StatusNoContent, body: jsonBody[NewPasswordBody](plainBody, true),
	}, a.setPassword)
	route(a, operation{
		method: http.MethodDelete, path: at + "/{id}", id: "users.delete", summary: "Delete a person; all their sign-ins end",
		may: need(fleet.UsersManage), rate: rateWrite, status: http.StatusNoContent,
	}, a.deleteUser)
}

func showUser(u fleet.User) fleet.User {
	stamp(&u.CreatedAt, &u.UpdatedAt, &u.SignedInAt)
	return u
}

// UsersInput pages through people.
type UsersInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	Cursor string `query:"cursor"`
}

type usersReply struct{ Body UserList }

func (a *API) listUsers(ctx context.Context, in *UsersInput) (*usersReply, error) {
	list, next, err := a.o.People.List(ctx, auth.From(ctx), fleet.Page{Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	return &usersReply{UserList{showAll(list, showUser), next}}, nil
}

type userReply struct {
	Location string `header:"Location"`
	Body     fleet.User
}

func (a *API) createUser(ctx context.Context, _ *struct{}) (*userReply, error) {
	body, err := decode[UserBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	u, err := a.o.People.Create(ctx, auth.From(ctx), fleet.User{Name: body.Name, Email: body.Email, Role: fleet.Role(body.Role)}, auth.NewSecret(body.Password))
	if err != nil {
		return nil, err
	}
	return &userReply{Location: Base + "/users/" + string(u.ID), Body: showUser(u)}, nil
}

type userInput struct {
	ID string `path:"id"`
}

func (in *userInput) user() (fleet.ID, error) {
	if id := fleet.ID(in.ID); id.Valid() {
		return id, nil
	}
	return "", fleet.NotFound("user", clip(in.ID, 80))
}

func (a *API) getUser(ctx context.Context, in *userInput) (*userReply, error) {
	id, err := in.user()
	if err != nil {
		return nil, err
	}
	u, err := a.o.People.Get(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	return &userReply{Body: showUser(u)}, nil
}

func (a *API) updateUser(ctx context.Context, in *userInput) (*userReply, error) {
	id, err := in.user()
	if err != nil {
		return nil, err
	}
	body, err := decode[UserChangeBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	u, err := a.o.People.Change(ctx, auth.From(ctx), id, auth.UserChange{
		Name: body.Name, Email: body.Email, Role: (*fleet.Role)(body.Role), Disabled: body.Disabled,
	})
	if err != nil {
		return nil, err
	}
	return &userReply{Body: showUser(u)}, nil
}

func (a *API) setPassword(ctx context.Context, in *userInput) (*struct{}, error) {
	id, err := in.user()
	if err != nil {
		return nil, err
	}
	if _, err := a.o.People.Get(ctx, auth.From(ctx), id); err != nil {
		return nil, err
	}
	body, err := decode[NewPasswordBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	return nil, a.o.People.SetPassword(ctx, auth.From(ctx), id, auth.NewSecret(body.Password))
}

func (a *API) deleteUser(ctx context.Context, in *userInput) (*struct{}, error) {
	id, err := in.user()
	if err != nil {
		return nil, err
	}
	return nil, a.o.People.Delete(ctx, auth.From(ctx), id)
}
