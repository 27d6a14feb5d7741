package demo

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"skift/checks"
	"skift/internal/plan"
	"skift/internal/sim"
)

// stage is one environment of the plan with both its platforms, simulated on sockets of this process.
type stage struct {
	*sim.World                                          // the gateways, the SFTP servers, the name that moves between them
	beside     map[string]map[checks.Side]*sim.Platform // services that have a platform of their own
	leads      map[string]string                        // by service: where its name leads; the name service alone touches it
	agreements []byte                                   // the list of service agreements that both suppliers have
}

// theatre is every environment, and who calls from where.
type theatre struct {
	stages  map[string]*stage         // by environment
	sources map[netip.Addr]netip.Addr // of the shipped plan → of the loopback network
	missing *plan.Flow                // the flow that the allow-list of the new platform leaves out under that fault
	until   time.Time                 // when the certificate ends under the expiry fault
	close   []func()
}

// The services of the shipped plan, and where a World has them.
const (
	serviceGateway = "gateway"
	serviceSFTP    = "sftp"
)

// doors are those of the services that share a platform.
var doors = map[string]sim.Door{serviceGateway: sim.DoorGateway, serviceSFTP: sim.DoorSFTP}

// raise starts two platforms for every environment of the plan. The environments share their authority and their accounts.
func raise(ctx context.Context, p *plan.Plan, until time.Time) (*theatre, error) {
	t := &theatre{stages: map[string]*stage{}, sources: map[netip.Addr]netip.Addr{}, until: until}
	var order []netip.Addr
	for _, f := range p.Flows {
		if f.Source.IsValid() && !slices.Contains(order, f.Source) {
			order = append(order, f.Source)
		}
	}
	t.missing = onlyFlow(p)
	if t.missing == nil {
		return nil, fmt.Errorf("start simulated platforms: the plan has no flow with a source address of its own")
	}
	var first *sim.World
	for _, env := range p.EnvIDs {
		s, err := t.stage(ctx, p, env, sim.Options{Flows: len(order), Missing: slices.Index(order, t.missing.Source), ExpiresAt: until, Like: first,
			User: smtpUser, Password: smtpPassword})
		if err != nil {
			t.down()
			return nil, err
		}
		t.stages[env] = s
		if first == nil {
			first = s.World
			for i, source := range order {
				t.sources[source] = first.FlowSource(i)
			}
		}
	}
	return t, nil
}

// onlyFlow is the first flow towards the gateway whose source address no other flow has.
func onlyFlow(p *plan.Plan) *plan.Flow {
	for _, f := range p.Flows {
		same := func(o *plan.Flow) bool { return o != f && o.Source == f.Source }
		if f.Service == serviceGateway && f.Source.IsValid() && !slices.ContainsFunc(p.Flows, same) {
			return f
		}
	}
	return nil
}

// down ends everything and waits for it.
func (t *theatre) down() {
	for _, f := range slices.Backward(t.close) {
		f()
	}
}

func (t *theatre) stage(ctx context.Context, p *plan.Plan, env string, o sim.Options) (*stage, error) {
	gateway := p.Services[serviceGateway]
	if gateway == nil || p.Services[serviceSFTP] == nil {
		return nil, fmt.Errorf("start simulated platforms: the plan has no services %s and %s", serviceGateway, serviceSFTP)
	}
	o.ServerName = nameOf(gateway, env)
	o.OldAddrs, o.NewAddrs = sites(gateway, env, checks.Old), sites(gateway, env, checks.New)
	w, err := sim.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	t.close = append(t.close, w.Close)
	s := &stage{World: w, beside: map[string]map[checks.Side]*sim.Platform{}, leads: map[string]string{}, agreements: agreementsOf(p)}
	for _, id := range p.ServiceIDs {
		s.leads[id] = string(checks.Old)
		if id == serviceGateway || id == serviceSFTP {
			continue
		}
		s.beside[id] = map[checks.Side]*sim.Platform{}
		for _, side := range checks.Sides() {
			pf, err := sim.NewPlatform(sim.PlatformOptions{Name: string(side), PKI: w.PKI, ServerName: nameOf(p.Services[id], env),
				Addrs: sites(p.Services[id], env, side), Allow: w.Platform(string(side)).Allowed(sim.DoorGateway)})
			if err != nil {
				return nil, err
			}
			t.close = append(t.close, pf.Close)
			s.beside[id][side] = pf
		}
	}
	return s, nil
}

func nameOf(s *plan.Service, env string) string {
	if name := s.In[env][checks.New].ServerName; name != "" {
		return name
	}
	return s.ServerName
}

// sites gives a platform as many addresses as the service has there.
func sites(s *plan.Service, env string, side checks.Side) []netip.Addr {
	var out []netip.Addr
	for i := range s.In[env][side].Addrs {
		host := byte(1)
		if i > 0 {
			host = byte(2 + i) // .2 is the suppliers' own
		}
		out = append(out, netip.AddrFrom4([4]byte{127, 0, 0, host}))
	}
	return out
}

// addrs is where a service answers on a side.
func (s *stage) addrs(service string, side checks.Side) []netip.AddrPort {
	switch service {
	case serviceGateway:
		return s.Platform(string(side)).GatewayAddrs()
	case serviceSFTP:
		return s.Platform(string(side)).SFTPAddrs()
	}
	return s.beside[service][side].GatewayAddrs()
}

// hostKeys are the fingerprints that the suppliers announced for a side, in every environment.
func (t *theatre) hostKeys(p *plan.Plan, side checks.Side) []string {
	var out []string
	for _, env := range p.EnvIDs {
		out = append(out, t.stages[env].Platform(string(side)).HostKey())
	}
	return out
}
