package cli

import (
	"strings"
	"testing"
)

// TestALongLabelStandsAlone: the name of a fact that is wider than its column does not run into what it says.
func TestALongLabelStandsAlone(t *testing.T) {
	t.Parallel()
	v := &sheet{width: 80}
	v.field("host_key", "a → b")
	v.field("host_key ssh-ed25519", "a → b")
	v.field("host_key ssh-rsa", "")
	if got, want := v.b.String(), "  host_key      a → b\n  host_key ssh-ed25519\n"+strings.Repeat(" ", labelWidth+2)+"a → b\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
