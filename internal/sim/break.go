package sim

import (
	"fmt"
	"net/netip"
	"slices"
)

// allowList holds the sources each door lets in.
type allowList map[Door]map[netip.Addr]bool

func (l allowList) add(source netip.Addr, doors []Door) {
	for _, d := range doors {
		if l[d] == nil {
			l[d] = make(map[netip.Addr]bool)
		}
		l[d][source] = true
	}
}

func (l allowList) remove(source netip.Addr, doors []Door) {
	for _, d := range doors {
		delete(l[d], source)
	}
}

func bothDoors() []Door { return []Door{DoorGateway, DoorSFTP} }

// Allow lets a source in at the given doors (none given: at both). Allowing the
// source that FaultAllowList left out mends that fault there.
func (p *Platform) Allow(source netip.Addr, doors ...Door) {
	if len(doors) == 0 {
		doors = bothDoors()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.allowed.add(source, doors)
	if source == p.opts.Missing {
		p.faults.unset(FaultAllowList, doors)
	}
}

// Deny takes a source off the list of the given doors (none given: of both).
// Connections it has open live on.
func (p *Platform) Deny(source netip.Addr, doors ...Door) {
	if len(doors) == 0 {
		doors = bothDoors()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.allowed.remove(source, doors)
}

// Allowed lists the sources a door lets in, sorted.
func (p *Platform) Allowed(d Door) []netip.Addr {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []netip.Addr
	for addr := range p.allowed[d] {
		list = append(list, addr)
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return list
}

// SetFault breaks the given doors (none given: all the fault applies to). It
// errs for an unknown fault, for a door the fault does not apply to, and for
// FaultAllowList on a platform without a Missing source.
func (p *Platform) SetFault(f Fault, doors ...Door) error {
	doors, err := resolve(f, doors)
	if err != nil {
		return err
	}
	p.breaking.Lock()
	defer p.breaking.Unlock()
	p.mu.Lock()
	if f == FaultAllowList {
		if !p.opts.Missing.IsValid() {
			p.mu.Unlock()
			return fmt.Errorf("set fault: %s needs a source to leave out (PlatformOptions.Missing)", f)
		}
		p.allowed.remove(p.opts.Missing, doors)
	}
	p.faults.set(f, doors)
	p.mu.Unlock()
	return p.applyFaults()
}

// Clear mends a fault on the given doors (none given: wherever it is set);
// clearing what is not set does nothing.
func (p *Platform) Clear(f Fault, doors ...Door) error {
	doors, err := resolve(f, doors)
	if err != nil {
		return err
	}
	p.breaking.Lock()
	defer p.breaking.Unlock()
	p.mu.Lock()
	if f == FaultAllowList {
		for _, d := range doors {
			if p.faults.on(f, d) {
				p.allowed.add(p.opts.Missing, []Door{d})
			}
		}
	}
	p.faults.unset(f, doors)
	p.mu.Unlock()
	return p.applyFaults()
}

// ActiveFaults lists the faults in force on any door, sorted.
func (p *Platform) ActiveFaults() []Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.faults.names()
}

// broken reports whether a fault is in force on a door.
func (p *Platform) broken(f Fault, d Door) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.faults.on(f, d)
}

// applyFaults brings listeners and certificate in line with the faults.
func (p *Platform) applyFaults() error {
	if err := p.listen(p.gateways, DoorGateway); err != nil {
		return err
	}
	if err := p.listen(p.sftps, DoorSFTP); err != nil {
		return err
	}
	return p.renewCertificate()
}

func (p *Platform) listen(doors []*door, name Door) error {
	refused := p.broken(FaultRefused, name)
	for _, d := range doors {
		if refused {
			d.shut()
			continue
		}
		if err := d.open(); err != nil {
			return err
		}
	}
	return nil
}
