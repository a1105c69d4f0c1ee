package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// apiClient speaks with the service as the plugin does.
type apiClient struct {
	base string
	key  string
}

// register makes an API key and registers it as the first one.
func (c *apiClient) register(ctx context.Context) error {
	c.key = rand.Text() + rand.Text()
	return c.post(ctx, "/auth/register-key", map[string]any{"api_key": c.key, "label": "demo"})
}

func (c *apiClient) post(ctx context.Context, path string, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	resp, err := c.send(ctx, http.MethodPost, path, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// send returns the answer of success; who calls closes it.
func (c *apiClient) send(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Proxbox-API-Key", c.key)
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < http.StatusBadRequest {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	var refusal struct{ Detail, Message any }
	_ = json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&refusal)
	return nil, fmt.Errorf("%s %s was refused with %d: %v %v", method, path, resp.StatusCode, refusal.Message, refusal.Detail)
}

// apiFrame is one event of a stream, as far as it is shown.
type apiFrame struct {
	event    string
	Message  string
	Progress struct{ Current, Total int }
	OK       bool
	Result   struct{ Created, Updated, Deleted, Unchanged int }
	Errors   []apiError
}

type apiError struct{ Detail, Suggestion string }

// outcome is how a Full Update ended.
type outcome struct {
	message string
	result  struct{ Created, Updated, Deleted, Unchanged int }
	errors  []apiError
	took    time.Duration
}

// fullUpdate runs one and tells each event.
func (c *apiClient) fullUpdate(ctx context.Context, each func(apiFrame)) (outcome, error) {
	start := time.Now()
	resp, err := c.send(ctx, http.MethodGet, "/full-update/stream", nil)
	if err != nil {
		return outcome{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	var last apiFrame
	event := ""
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			event = name
			continue
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		f := apiFrame{}
		// Frames that are not shown have other shapes.
		if err := json.Unmarshal([]byte(data), &f); err != nil && event == "complete" {
			return outcome{}, fmt.Errorf("read the end of the run: %w", err)
		}
		f.event = event
		each(f)
		last = f
	}
	if err := lines.Err(); err != nil {
		return outcome{}, fmt.Errorf("read the events of the run: %w", err)
	}
	switch {
	case last.event != "complete":
		return outcome{}, errors.New("the events of the run ended before it did")
	case !last.OK && len(last.Errors) > 0:
		return outcome{}, fmt.Errorf("%s %s", last.Message, last.Errors[0].Detail)
	case !last.OK:
		return outcome{}, errors.New(last.Message)
	}
	return outcome{last.Message, last.Result, last.Errors, time.Since(start).Round(10 * time.Millisecond)}, nil
}
