package freeze

import (
	"fmt"
	"slices"
	"time"

	"skift/internal/signed"
)

// calendarKind is the kind of a calendar's file; it enters what is signed.
const calendarKind = "frozen-calendar/1"

// Write is the file, signed.
func (c Calendar) Write(sign func(message []byte) []byte) ([]byte, error) {
	return signed.Write(calendarKind, c, sign)
}

// Distrust names why a calendar is not used.
type Distrust string

// The reasons.
const (
	NotRead        Distrust = "not-read"        // cut off, or no calendar
	AnotherKey     Distrust = "another-key"     // not signed with the key that was given, or changed since
	AnotherPlan    Distrust = "another-plan"    // the key is another plan's
	AnotherVersion Distrust = "another-version" // it has other classes of change than this program
	TooOld         Distrust = "too-old"
	YetToCome      Distrust = "yet-to-come" // made at a time that has not come: one of the two clocks is wrong
)

// Untrusted is a calendar that is not used. Nothing may be changed by its word.
type Untrusted struct {
	Why        Distrust
	Text, Hint string
}

func (u *Untrusted) Error() string { return u.Text }

const askForAnew = "ask the customer for a new one: skift freeze export --party PARTY"

// ReadCalendar reads a file and refuses it unless it was signed with the key, for that key's plan, and is of now. The error is an
// [*Untrusted]. now is the present, whatever time a question is about.
func ReadCalendar(data []byte, key signed.Verifier, now time.Time) (*Calendar, error) {
	file, err := signed.Read(calendarKind, data)
	if err != nil {
		return nil, &Untrusted{NotRead, err.Error(), askForAnew}
	}
	if !file.By(key.Verify) {
		return nil, &Untrusted{AnotherKey, "its signature is not that of the key: it was changed, or made with another key", "compare the key with the one the customer gave you by other means"}
	}
	var c Calendar
	if err := signed.Strict(file.Body, &c); err != nil {
		return nil, &Untrusted{AnotherVersion, err.Error(), "use the version of skift that made it"}
	}
	_, err = time.LoadLocation(c.Timezone)
	switch {
	case c.Plan != key.Name:
		return nil, &Untrusted{AnotherPlan, fmt.Sprintf("it is of the plan %.60q, and the key of %.60q", c.Plan, key.Name), "use the key that belongs to this plan"}
	case err != nil:
		return nil, &Untrusted{AnotherVersion, fmt.Sprintf("its time zone %.60q is not known here", c.Timezone), "use the version of skift that made it"}
	case !slices.Equal(c.Classes, classes()):
		return nil, &Untrusted{AnotherVersion, "its classes of change are not those of this program", "use the version of skift that made it"}
	case c.MadeAt.After(now.Add(signed.Skew)):
		return nil, &Untrusted{YetToCome, fmt.Sprintf("it was made at %s, and the clock of this host says %s", stamp(c.MadeAt), stamp(now)), "put the clock right: how old a calendar is counts"}
	case !now.Before(c.ValidUntil):
		return nil, &Untrusted{TooOld, fmt.Sprintf("it was made at %s and held until %s", stamp(c.MadeAt), stamp(c.ValidUntil)), askForAnew}
	}
	return &c, nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
