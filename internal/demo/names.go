package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// nameService serves the zone file of each environment until ctx ends: what is written there is where the name leads, a moment later.
func (t *theatre) nameService(ctx context.Context, dir string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		for env, stage := range t.stages {
			if err := stage.serve(filepath.Join(dir, env)); err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// serve lets the name lead where the zone file says, and says so in the file beside it.
func (s *stage) serve(zone string) error {
	data, err := os.ReadFile(zone)
	if err != nil {
		return fmt.Errorf("serve names: %w", err)
	}
	to := strings.TrimSpace(string(data))
	if to == s.Front.To() {
		return nil
	}
	if err := s.Front.Switch(to); err != nil {
		return fmt.Errorf("serve names: %w", err)
	}
	served := zone + ".served"
	if err := os.WriteFile(served+".new", []byte(to+"\n"), 0o644); err != nil {
		return fmt.Errorf("serve names: %w", err)
	}
	if err := os.Rename(served+".new", served); err != nil {
		return fmt.Errorf("serve names: %w", err)
	}
	return nil
}
