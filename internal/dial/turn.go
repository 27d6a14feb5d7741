package dial

import "context"

// Turn is the place of whoever connects among others that do, when somebody rations them. A connection that is slow to come costs
// nothing while it is waited for, and must not keep the others waiting.
type Turn interface {
	// Wait is called before connecting; what it returns is called when connecting has ended, and may take until there is a place again.
	Wait() (back func(context.Context))
}

type turnKey struct{}

// WithTurn hands a turn to the connections made under a context.
func WithTurn(ctx context.Context, t Turn) context.Context {
	return context.WithValue(ctx, turnKey{}, t)
}

// Waiting gives the turn up for as long as something is waited for that costs nothing; what it returns takes it back.
func Waiting(ctx context.Context) (back func()) {
	t, ok := ctx.Value(turnKey{}).(Turn)
	if !ok {
		return func() {}
	}
	again := t.Wait()
	return func() { again(ctx) }
}
