package runner

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"skift/internal/journal"
	"skift/internal/register"
)

// revoke ends an export before its time: answers to it are taken no more. What was imported stays.
func (r *Runner) revoke(ctx context.Context, c Command) (Reply, error) {
	switch {
	case c.As == "":
		return Reply{}, refuse(Usage, "add --as SEAT", "say which seat revokes it")
	case strings.TrimSpace(c.Reason) == "":
		return Reply{}, refuse(Usage, `add --reason "…"`, "revoking an export needs a reason")
	}
	return r.record(ctx, c, func(d *decision, who journal.Actor) (int64, string, error) {
		x := d.Facts.Register.Exports[c.Export]
		switch {
		case x == nil:
			known := slices.Sorted(maps.Keys(d.Facts.Register.Exports))
			return 0, "", refuse(NotFound, suggest("export", c.Export, known), "there is no export %q", c.Export)
		case !x.RevokedAt.IsZero():
			return 0, "", refuse(Conflict, "", "%s is revoked already", c.Export)
		}
		seq, err := d.Emit(register.ProbeRevoked, "", c.Export, who, register.Body(register.Revoked{Reason: c.Reason}))
		return seq, fmt.Sprintf("%s is revoked: nothing that %s answers to it is taken any more", c.Export, x.Party), err
	})
}
