package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/casarerpa/fleet/fleet"
)

// ViewChange is what is to hold of a view of a list; nil leaves things as they are.
type ViewChange struct {
	Page   *string            `json:"page,omitempty"`
	Name   *string            `json:"name,omitempty"`
	Query  *map[string]string `json:"query,omitempty"`
	Shared *bool              `json:"shared,omitempty"`
}

// ListViews returns one's own views and the shared ones; of one page, or of all.
func (c *Client) ListViews(ctx context.Context, page string) ([]fleet.View, error) {
	q := url.Values{}
	set(q, "page", page)
	var out struct {
		Views []fleet.View `json:"views"`
	}
	err := c.get(ctx, at("views"), q, &out)
	return out.Views, err
}

// CreateView keeps a view.
func (c *Client) CreateView(ctx context.Context, v ViewChange) (out fleet.View, err error) {
	err = c.once(ctx, http.MethodPost, at("views"), v, &out)
	return out, err
}

// UpdateView changes a view.
func (c *Client) UpdateView(ctx context.Context, id fleet.ID, v ViewChange) (out fleet.View, err error) {
	err = c.write(ctx, http.MethodPut, at("views", string(id)), v, &out)
	return out, err
}

// DeleteView deletes a view.
func (c *Client) DeleteView(ctx context.Context, id fleet.ID) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("views", string(id)), safe: true})
	return err
}
