package store

import (
	"errors"
	"fmt"
	"time"
)

// What a caller can meet and act on. Errors of the database's driver do not
// travel out of this package.
var (
	// ErrHeld: another process owns the data directory; see [HeldError].
	ErrHeld = errors.New("the data directory is held")
	// ErrNone: there is no journal in the data directory yet.
	ErrNone = errors.New("there is no journal yet")
	// ErrOtherPlan: the data directory belongs to another plan.
	ErrOtherPlan = errors.New("the data directory belongs to another plan")
	// ErrSchema: the database was written by another version of the program.
	ErrSchema = errors.New("the database has another schema")
	// ErrUnfit: the data directory is a copy from another host or lies on a
	// network file system, where a lock does not keep a second owner out.
	ErrUnfit = errors.New("the data directory cannot be owned here")
	// ErrStranger is the [ErrUnfit] that ends when somebody says that no other copy will ever act: the journal was last owned
	// on another host or as another file, was restored, or was given up for a copy.
	ErrStranger = fmt.Errorf("%w", ErrUnfit)
	// ErrOurs: there is nothing to take over, the journal was last owned here.
	ErrOurs = errors.New("the journal was last owned here: there is nothing to take over")
	// ErrFenced: somebody else has become the owner; nothing was committed and
	// nothing more will be.
	ErrFenced = errors.New("ownership of the journal was lost")
	// ErrConflict: something was not as the batch supposed; nothing was committed.
	ErrConflict = errors.New("it has changed meanwhile")
	// ErrSlotTaken: the slot has its row already; nothing was committed.
	ErrSlotTaken = errors.New("the slot is taken")
	// ErrBusy: another program kept the database locked; nothing was committed.
	ErrBusy = errors.New("the database is locked by another program")
	// ErrStorage: the disk or the database file failed. Whoever gets it must
	// stop acting: what was in flight may or may not have been stored.
	ErrStorage = errors.New("the storage failed")
	// ErrFull is the [ErrStorage] that ends when there is space again; nothing
	// was committed.
	ErrFull = fmt.Errorf("%w: no space left", ErrStorage)
)

// Holder is the process that owns a data directory.
type Holder struct {
	PID    int       `json:"pid"`
	Socket string    `json:"socket,omitempty"` // where it can be asked; empty when it does not listen
	Since  time.Time `json:"since"`
}

// HeldError is the [ErrHeld] that says by whom. PID is 0 when that is not known.
type HeldError struct {
	Dir string
	Holder
}

func (e *HeldError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("data directory %s is held by another process", e.Dir)
	}
	return fmt.Sprintf("data directory %s is held by process %d since %s", e.Dir, e.PID, e.Since.UTC().Format("2006-01-02 15:04:05 MST"))
}

// Unwrap makes every HeldError an [ErrHeld].
func (e *HeldError) Unwrap() error { return ErrHeld }
