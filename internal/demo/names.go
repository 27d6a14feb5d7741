package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// zone is the file that says where the name of a service in an environment leads, below namesDir.
func zone(env, service string) string { return env + "-" + service }

// nameService serves the zone files of each environment until ctx ends: what is written there is where the name leads, a moment later.
func (t *theatre) nameService(ctx context.Context, dir string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		for env, stage := range t.stages {
			for service := range stage.leads {
				if err := stage.serve(service, filepath.Join(dir, zone(env, service))); err != nil {
					return err
				}
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// serve lets the name of a service lead where its zone file says, and says so in the file beside it.
func (s *stage) serve(service, zone string) error {
	data, err := os.ReadFile(zone)
	if err != nil {
		return fmt.Errorf("serve names: %w", err)
	}
	to := strings.TrimSpace(string(data))
	if to == s.leads[service] {
		return nil
	}
	if door, is := doors[service]; is {
		if err := s.Front.SwitchDoor(door, to); err != nil {
			return fmt.Errorf("serve names: %w", err)
		}
	}
	s.leads[service] = to
	served := zone + ".served"
	if err := os.WriteFile(served+".new", []byte(to+"\n"), 0o644); err != nil {
		return fmt.Errorf("serve names: %w", err)
	}
	if err := os.Rename(served+".new", served); err != nil {
		return fmt.Errorf("serve names: %w", err)
	}
	return nil
}
