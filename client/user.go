package client

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
)

// Tokens are what a program signs in with: the access token for about an hour,
// the refresh token for the next pair, once.
type Tokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
}

// Login signs in with a name and a password. It is not repeated when its answer
// is lost: the first sign-in would be lost with it.
func (c *Client) Login(ctx context.Context, tenant fleet.TenantID, name, password string) (out Tokens, err error) {
	err = c.send1(ctx, http.MethodPost, at("auth", "login"), map[string]any{"username": name, "password": password, "tenant_id": string(tenant)}, &out)
	return out, err
}

// Refresh gets the next pair of tokens. A refresh token counts once.
func (c *Client) Refresh(ctx context.Context, token string) (out Tokens, err error) {
	err = c.send1(ctx, http.MethodPost, at("auth", "refresh"), map[string]any{"refresh_token": token}, &out)
	return out, err
}

// Logout ends the sign-in whose token the client sends.
func (c *Client) Logout(ctx context.Context) error {
	return c.send1(ctx, http.MethodPost, at("auth", "logout"), nil, nil)
}

// Setup makes the first administrator with the token that the orchestrator
// showed at its start.
func (c *Client) Setup(ctx context.Context, token, name, email, password string) (out fleet.User, err error) {
	err = c.send1(ctx, http.MethodPost, at("auth", "setup"), map[string]any{"token": token, "name": name, "email": email, "password": password}, &out)
	return out, err
}

// StreamTicket gets a ticket that opens one stream within 30 seconds.
func (c *Client) StreamTicket(ctx context.Context) (string, error) {
	var out struct {
		Ticket string `json:"ticket"`
	}
	err := c.send1(ctx, http.MethodPost, at("auth", "ticket"), nil, &out)
	return out.Ticket, err
}

// ChangePassword changes one's own password; every other sign-in ends.
func (c *Client) ChangePassword(ctx context.Context, current, password string) error {
	return c.send1(ctx, http.MethodPut, at("me", "password"), map[string]any{"current_password": current, "new_password": password}, nil)
}

// OwnSession is one sign-in of the person who asks.
type OwnSession struct {
	fleet.SignIn
	Current bool `json:"current"`
}

// OwnSessions lists one's own sign-ins.
func (c *Client) OwnSessions(ctx context.Context) ([]OwnSession, error) {
	var out struct {
		Sessions []OwnSession `json:"sessions"`
	}
	err := c.get(ctx, at("me", "sessions"), nil, &out)
	return out.Sessions, err
}

// EndSession ends one of one's own sign-ins.
func (c *Client) EndSession(ctx context.Context, id fleet.ID) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("me", "sessions", string(id)), safe: true})
	return err
}

// UserPage is a part of the list of people; Next is empty at its end.
type UserPage struct {
	Users []fleet.User `json:"users"`
	Next  string       `json:"next_cursor"`
}

// ListUsers lists people in the order in which they were made.
func (c *Client) ListUsers(ctx context.Context, p fleet.Page) (out UserPage, err error) {
	err = c.get(ctx, at("users"), pageQuery(p), &out)
	return out, err
}

// GetUser returns a person.
func (c *Client) GetUser(ctx context.Context, id fleet.ID) (out fleet.User, err error) {
	err = c.get(ctx, at("users", string(id)), nil, &out)
	return out, err
}

// UserRequest makes a person.
type UserRequest struct {
	Name     string     `json:"name"`
	Email    string     `json:"email,omitempty"`
	Role     fleet.Role `json:"role"`
	Password string     `json:"password"`
}

// CreateUser makes a person who can sign in.
func (c *Client) CreateUser(ctx context.Context, r UserRequest) (out fleet.User, err error) {
	err = c.send1(ctx, http.MethodPost, at("users"), r, &out)
	return out, err
}

// UserChange is what is to be different; nil stays as it is.
type UserChange struct {
	Name     *string     `json:"name,omitempty"`
	Email    *string     `json:"email,omitempty"`
	Role     *fleet.Role `json:"role,omitempty"`
	Disabled *bool       `json:"disabled,omitempty"`
}

// UpdateUser changes a person.
func (c *Client) UpdateUser(ctx context.Context, id fleet.ID, r UserChange) (out fleet.User, err error) {
	err = c.write(ctx, http.MethodPatch, at("users", string(id)), r, &out)
	return out, err
}

// SetPassword gives a person another password; all their sign-ins end.
func (c *Client) SetPassword(ctx context.Context, id fleet.ID, password string) error {
	return c.send1(ctx, http.MethodPut, at("users", string(id), "password"), map[string]any{"password": password}, nil)
}

// DeleteUser deletes a person; all their sign-ins end.
func (c *Client) DeleteUser(ctx context.Context, id fleet.ID) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("users", string(id)), safe: true})
	return err
}

// send1 sends a body once and reads the answer; none of either is nil.
func (c *Client) send1(ctx context.Context, method, path string, in, out any) error {
	r := request{method: method, path: path}
	if in != nil {
		body, err := encode(in)
		if err != nil {
			return err
		}
		r.body = body
	}
	if out == nil {
		_, err := c.do(ctx, r)
		return err
	}
	_, err := c.call(ctx, r, out)
	return err
}
