package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/spf13/cobra"

	"skift/internal/reflector"
)

// reflectCommand tells callers under which address they are seen.
func (s *session) reflectCommand() *cobra.Command {
	var listen string
	var once bool
	c := &cobra.Command{
		Use: "reflect --listen ADDR", Short: "Tell callers under which address they are seen",
		Long: "Run it where the platforms are seen from, beyond every address translation, and name it as a vantage's reflector; or curl it.\n" +
			"GET / answers the caller's address as text, /json as JSON; who connects and says nothing is told as well. It holds no secret and\n" +
			"no state, and needs no plan. Ctrl-C or SIGTERM ends it.",
		Example: "  skift reflect --listen 192.0.2.200:8080",
		Args:    args(),
		RunE:    func(c *cobra.Command, _ []string) error { return s.reflect(c.Context(), listen, once) },
	}
	c.Flags().StringVar(&listen, "listen", "", "address and port `ADDR` to listen on; 0.0.0.0:PORT for all addresses of this host")
	c.Flags().BoolVar(&once, "once", false, "end after the first answer")
	return c
}

func (s *session) reflect(ctx context.Context, listen string, once bool) error {
	if listen == "" {
		return usage("--listen is missing", "skift reflect --listen 192.0.2.200:8080")
	}
	at, err := netip.ParseAddrPort(listen)
	if err != nil {
		return usage(fmt.Sprintf("%q is not an IP address and port", listen), "write it like 192.0.2.200:8080, [2001:db8::1]:8080 or 0.0.0.0:8080")
	}
	var config net.ListenConfig
	ln, err := config.Listen(ctx, "tcp", at.String())
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return usage(fmt.Sprintf("something listens on %s already", at), "name another port")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return usage(fmt.Sprintf("%s is no address of this host", at.Addr()), "name one of its own, or 0.0.0.0 for all of them")
	case errors.Is(err, syscall.EACCES):
		return usage(fmt.Sprintf("this user may not listen on port %d", at.Port()), "name a port above 1023")
	case err != nil:
		return fmt.Errorf("listen on %s: %w", at, err)
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	server := &reflector.Server{}
	if once {
		server.Told = func(caller netip.Addr) {
			if ctx.Err() == nil {
				s.printf("told %s\n", caller)
			}
			end()
		}
	}
	s.printf("skift reflects on %s: curl http://%s/\n", ln.Addr(), ln.Addr())
	return server.Serve(ctx, ln)
}
