package run

import "time"

// Progress is how far a step in flight has come. It is told while the step lasts and kept nowhere.
type Progress struct {
	Files     int       `json:"files"`
	FilesDone int       `json:"files_done"`
	Bytes     int64     `json:"bytes"`
	BytesDone int64     `json:"bytes_done"`
	EndsAt    time.Time `json:"ends_at,omitzero"` // at the present pace; missing while there is none
}
