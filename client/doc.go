// Package client is the Go SDK of Casare Fleet: one method for each operation
// of the REST API, in the types of package fleet.
//
//	c, err := client.New(client.Options{URLs: []string{"http://127.0.0.1:8000"}, Key: key})
//	job, err := c.SubmitJob(ctx, client.SubmitRequest{Document: doc})
//	end, err := c.WaitJob(ctx, job.ID, nil)
//
// Every request is tried up to three times when it was answered 429, 502, 503
// or 504, or when the connection broke; a pause that the server names is kept.
// Requests that change something carry an Idempotency-Key made beforehand, so
// that trying again is safe. Several addresses are tried in turn.
//
// Errors are *fleet.Error: errors.Is(err, fleet.ErrConflict) works here as it
// does inside the product. A Client is safe for concurrent use.
package client
