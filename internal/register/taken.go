package register

// DataTakenOver is the kind of event that begins the journal's life as another copy: it was restored, or brought here from another host.
const DataTakenOver = "data.taken-over"

// TakenOver is the body of data.taken-over.
type TakenOver struct {
	Reason  string `json:"reason"`
	Was     string `json:"was"`                // why it could not simply be gone on with
	GivenUp string `json:"given_up,omitempty"` // the data directory on the same host that acts no more for it
	Lost    int64  `json:"lost,omitempty"`     // events that only the one given up has
}
