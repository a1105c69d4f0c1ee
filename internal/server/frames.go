package server

// frame is one server-sent event.
type frame struct {
	event string
	data  any
}

// The payloads, as the plugin's contract has them. What is nothing is left out.

type stepData struct {
	Step    string `json:"step"`
	Status  string `json:"status"` // started, progress, completed, failed
	Message string `json:"message"`
	Result  any    `json:"result,omitempty"`
}

type bootstrapData struct {
	OK        bool     `json:"ok"`
	Skipped   bool     `json:"skipped"`
	Reason    string   `json:"reason"`
	Warnings  []string `json:"warnings"`
	Created   []string `json:"created"`
	Patched   []string `json:"patched"`
	Unchanged []string `json:"unchanged"`
}

type itemData struct {
	Name     string `json:"name"`
	Type     string `json:"type,omitempty"`
	ItemType string `json:"item_type,omitempty"`
}

type progressData struct {
	Current int     `json:"current"`
	Total   int     `json:"total"`
	Percent float64 `json:"percent"`
}

func progressOf(current, total int) progressData {
	p := progressData{Current: current, Total: total}
	if total > 0 {
		p.Percent = float64(current) / float64(total) * 100
	}
	return p
}

type discoveryData struct {
	Event    string            `json:"event"`
	Phase    string            `json:"phase"`
	Status   string            `json:"status"` // discovered
	Message  string            `json:"message"`
	Count    int               `json:"count"`
	Items    []itemData        `json:"items"`
	Progress progressData      `json:"progress"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

type substepData struct {
	Event   string `json:"event"`
	Phase   string `json:"phase"`
	Substep string `json:"substep"`
	Status  string `json:"status"` // started, processing, completed, failed, skipped
	Message string `json:"message"`
}

type itemProgressData struct {
	Event     string       `json:"event"`
	Phase     string       `json:"phase"`
	Status    string       `json:"status"` // completed, failed
	Message   string       `json:"message"`
	Item      itemData     `json:"item"`
	Operation string       `json:"operation"` // created, updated, deleted, would_delete, skipped, failed
	Progress  progressData `json:"progress"`
	Error     string       `json:"error,omitempty"`
	Warning   string       `json:"warning,omitempty"`
}

type summaryData struct {
	Created int `json:"created"`
	Updated int `json:"updated"`
	Deleted int `json:"deleted"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
	Total   int `json:"total"`
}

type phaseSummaryData struct {
	Event   string      `json:"event"`
	Phase   string      `json:"phase"`
	Status  string      `json:"status"` // completed, completed_with_errors
	Message string      `json:"message"`
	Result  summaryData `json:"result"`
}

type errorDetailData struct {
	Event      string    `json:"event"`
	Phase      string    `json:"phase,omitempty"`
	Item       *itemData `json:"item,omitempty"`
	Category   category  `json:"category"`
	Message    string    `json:"message"`
	Detail     string    `json:"detail,omitempty"`
	Suggestion string    `json:"suggestion,omitempty"`
}

type errorData struct {
	Step   string `json:"step"`
	Status string `json:"status"` // failed
	Error  string `json:"error"`
	Detail string `json:"detail,omitempty"`
}

type completeData struct {
	OK      bool        `json:"ok"`
	Message string      `json:"message"`
	Result  any         `json:"result,omitempty"` // an object or a list, nothing else
	Errors  []errorItem `json:"errors,omitempty"`
}

// errorItem is one object that was not done.
type errorItem struct {
	Detail     string `json:"detail"`
	Outcome    string `json:"outcome,omitempty" enum:"conflict,failed,skipped"`
	Phase      string `json:"phase,omitempty"`
	Item       string `json:"item,omitempty"`
	Field      string `json:"field,omitempty"`
	Suggestion string `json:"suggestion,omitempty"`
}
