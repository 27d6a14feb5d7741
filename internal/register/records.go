package register

import (
	"maps"
	"slices"
	"time"

	"skift/checks"
	"skift/internal/journal"
)

// SlotState is how far a slot has come.
type SlotState string

// The states of a slot. Claimed is open, the others are final.
const (
	SlotClaimed SlotState = "claimed" // its work has begun
	SlotDone    SlotState = "done"    // its work was done, well or badly
	SlotMissed  SlotState = "missed"  // its time passed while nobody could do it
	SlotFailed  SlotState = "failed"  // its work could not be done
)

// Final reports whether nothing follows the state.
func (s SlotState) Final() bool { return s != SlotClaimed }

// Slot is one instant at which a schedule had something to do. (Schedule, At)
// is unique: whoever inserts the row owns the work, nobody does it again.
type Slot struct {
	Schedule   string    // such as "suite/readiness" or "report/steering"
	At         time.Time // when it was due, by the plan
	State      SlotState
	ClaimedAt  time.Time
	FinishedAt time.Time // zero while the state is not final
	Note       string    // why it was missed or failed; what came of it
}

// SlotMove ends a slot, if it is still in state From.
type SlotMove struct {
	Schedule   string
	At         time.Time
	From, To   SlotState
	FinishedAt time.Time // when To was reached; must be set exactly when To is final
	Note       string
}

// MessageState is how far a mail has come.
type MessageState string

// The states of a message. Uncertain waits for a person; it is never sent again
// by itself.
const (
	MessageQueued    MessageState = "queued"    // decided, to be sent from NextAt on
	MessageSending   MessageState = "sending"   // the intent: from here a crash makes it uncertain
	MessageSent      MessageState = "sent"      // the server took it
	MessageUncertain MessageState = "uncertain" // perhaps sent
	MessageFailed    MessageState = "failed"    // given up
)

// MessageStates lists the states of a message.
func MessageStates() []MessageState {
	return []MessageState{MessageQueued, MessageSending, MessageSent, MessageUncertain, MessageFailed}
}

// Final reports whether the message is settled.
func (s MessageState) Final() bool { return s == MessageSent || s == MessageFailed }

// May reports whether a message in state s can move to state to.
func (s MessageState) May(to MessageState) bool {
	return slices.Contains(map[MessageState][]MessageState{
		MessageQueued:    {MessageSending, MessageFailed},
		MessageSending:   {MessageSent, MessageQueued, MessageUncertain, MessageFailed},
		MessageUncertain: {MessageSent, MessageQueued, MessageFailed},
		MessageFailed:    {MessageQueued},
	}[s], to)
}

// Message is one mail to one person. It is written in the transaction of the
// event that decided it, ready to be sent as it is.
type Message struct {
	// ID names the message for good; it is the Message-ID's left part. Whoever
	// decides a message derives it from audience, report, period and recipient,
	// so that deciding the same message twice is refused by the store.
	ID         string
	Audience   string
	Report     string
	Recipient  string // the person's opaque id
	Address    string // where it goes; erasable, never in an event
	Subject    string
	Raw        []byte // the whole MIME message
	State      MessageState
	Attempts   int // how often sending was begun
	QueuedAt   time.Time
	NextAt     time.Time // not to be sent before this
	FinishedAt time.Time // zero while the state is not final
	LastError  string    // what the last attempt met; empty when all went well
}

// MessageMove moves a message on, if it is still in state From. Moving to
// sending counts an attempt.
type MessageMove struct {
	ID        string
	From, To  MessageState
	At        time.Time // when it happened
	NextAt    time.Time // the new NextAt; zero keeps it
	LastError string
}

// MessageFilter chooses messages. The zero value chooses all.
type MessageFilter struct {
	States   []MessageState // none: any state
	Audience string         // empty: any audience
	DueBy    time.Time      // only those whose NextAt is not after it; zero: any
	Limit    int            // at most so many, those due first; 0: all
	Brief    bool           // without the text, which is most of a message
}

// Timing sums up how long one phase of a check took over an interval.
type Timing struct {
	Count         int64 // how many answers entered this phase
	Min, Max, Sum time.Duration
}

// Mean is the average; 0 when there was none.
func (t Timing) Mean() time.Duration {
	if t.Count == 0 {
		return 0
	}
	return t.Sum / time.Duration(t.Count)
}

func (t Timing) add(d time.Duration) Timing {
	if t.Count == 0 {
		return Timing{Count: 1, Min: d, Max: d, Sum: d}
	}
	return Timing{Count: t.Count + 1, Min: min(t.Min, d), Max: max(t.Max, d), Sum: t.Sum + d}
}

// Interval is what one unit answered for as long as the answer stayed the same.
// A new one begins only when something but times and counts changes, or the answer had lapsed.
type Interval struct {
	// Result is the last answer of the interval. Its Evidence is that of the
	// first one, which was the one that differed from before; its Timings are nil.
	checks.Result
	Since, Until time.Time         // when the first and the last of these answers were asked for
	Count        int64             // how many answers
	Timings      map[string]Timing // per phase of the check, over all answers
}

// Begin is the interval that starts with r.
func Begin(r checks.Result) Interval {
	i := Interval{Since: micro(r.StartedAt), Result: checks.Result{Evidence: r.Evidence}}
	return i.Extend(r)
}

// Lapse is how long after the last answer of an interval has lapsed the next one may come and still go on with it: schedules are not kept to
// the second.
const Lapse = 10 * time.Minute

// Lapsed reports whether the answer holds no longer at an instant, and had not just lapsed.
func (i Interval) Lapsed(at time.Time) bool {
	return !i.ValidUntil.IsZero() && micro(at).After(i.ValidUntil.Add(Lapse))
}

// Continues reports whether r says the same as i, and came while i still held: an interval spans no time of which nothing is known. It does not
// compare timings, our own address or evidence: those differ between any two answers.
func (i Interval) Continues(r checks.Result) bool {
	return !i.Lapsed(r.StartedAt) && i.Unit == r.Unit && i.Outcome == r.Outcome && i.Verdict == r.Verdict && i.Code == r.Code &&
		i.Want == r.Want && i.Reached == r.Reached && i.CheckerVersion == r.CheckerVersion &&
		i.ConfigHash == r.ConfigHash && i.Brought == r.Brought && maps.Equal(i.Facts, r.Facts)
}

// Extend is i with the later answer r, which [Interval.Continues] it.
func (i Interval) Extend(r checks.Result) Interval {
	timings := maps.Clone(i.Timings)
	if timings == nil {
		timings = make(map[string]Timing, len(r.Timings))
	}
	for phase, d := range r.Timings {
		timings[phase] = timings[phase].add(d)
	}
	r.StartedAt, r.ValidUntil = micro(r.StartedAt), micro(r.ValidUntil)
	r.Evidence, r.Timings = i.Evidence, nil
	return Interval{Result: r, Since: i.Since, Until: r.StartedAt, Count: i.Count + 1, Timings: timings}
}

// micro is t as it is stored: UTC, whole microseconds, the zero time as itself.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Day is how the critical checks of a suite stood on one whole local day. A unit is in one of the two lists at most.
type Day struct {
	Day   string    // 2019-11-30
	Units int       // that are critical
	Red   []Finding // seen failing
	Blind []Finding // not looked at throughout
}

// Batch is everything that one decision changes. The store commits all of it or
// nothing.
type Batch struct {
	Events       []journal.Event // Plan and Seq are given by the store
	Messages     []Message
	MessageMoves []MessageMove
	Slots        []Slot // a slot that exists already refuses the whole batch
	SlotMoves    []SlotMove
	Observations []checks.Result // merged into intervals
	Jobs         []Job           // to be done beside those that follow from the rows above
}

// Empty reports whether b changes nothing.
func (b Batch) Empty() bool {
	return len(b.Events)+len(b.Messages)+len(b.MessageMoves)+len(b.Slots)+len(b.SlotMoves)+len(b.Observations)+len(b.Jobs) == 0
}

// Job is a hint that a slot or a message wants doing. It carries nothing but where to look, and may come twice, late or never: the row it
// points at says what is to be done.
type Job struct {
	Schedule string    // whose slot, or
	Message  string    // the id of a message
	At       time.Time // the slot; of a message, when it is due
}

// DueAt is when the job is to be done; zero = now.
func (j Job) DueAt() time.Time {
	if j.Message == "" {
		return time.Time{}
	}
	return j.At
}
