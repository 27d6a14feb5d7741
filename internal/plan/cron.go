package plan

import (
	"errors"
	"fmt"

	"github.com/robfig/cron/v3"
)

// parseCron reads five fields. A panic of the parser is an error like any other: an author's text must not end the process.
func parseCron(text string) (schedule cron.Schedule, err error) {
	defer func() {
		if r := recover(); r != nil {
			schedule, err = nil, errors.New(fmt.Sprint(r))
		}
	}()
	return cronParser.Parse(text)
}
