package api

import (
	"context"
	"time"

	"skift/internal/forecast"
)

// Tries is what can be tried out without changing anything.
type Tries interface {
	// WhatIf forecasts a run as if one of its steps took another time.
	WhatIf(ctx context.Context, q WhatIfRequest) (WhatIfReply, error)
}

// WhatIfRequest is another duration of a step.
type WhatIfRequest struct {
	Run  string         `json:"run"`
	Step string         `json:"step"`
	By   time.Duration  `json:"by,omitempty"` // ns added to what it is forecast to take
	To   *time.Duration `json:"to,omitempty"` // ns it takes in all, instead
}

// WhatIfReply is the forecast of the run, or of the one it is part of, without the change and with it.
type WhatIfReply struct {
	Run    string             `json:"run"` // the run that is forecast
	Before *forecast.Forecast `json:"before"`
	After  *forecast.Forecast `json:"after"`
	Holds  bool               `json:"holds"` // with the change, the end and the worst way back lie within the window
	Head   string             `json:"head"`
}

// WhatIf implements Desk.
func (c *Client) WhatIf(ctx context.Context, q WhatIfRequest) (r WhatIfReply, err error) {
	return r, c.call(ctx, "POST", "/v1/what-if", q, &r)
}
