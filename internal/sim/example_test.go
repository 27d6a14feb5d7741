package sim_test

import (
	"context"
	"fmt"
	"net"

	"skift/internal/sim"
)

// A flow is not let in by the new platform, is added to its list, and the name
// moves.
func Example() {
	ctx := context.Background()
	w, err := sim.Start(ctx, sim.Options{Flows: 3, Missing: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer w.Close()
	flow := w.MissingFlow()
	banner := func() string {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: flow.Source.AsSlice()}}
		conn, err := d.Dial("tcp", w.New.SFTPAddr().String())
		if err != nil {
			return err.Error()
		}
		defer conn.Close()
		b := make([]byte, 7)
		if _, err := conn.Read(b); err != nil {
			return err.Error()
		}
		return string(b)
	}

	w.New.SetFault(sim.FaultAllowList)
	fmt.Println(flow.Name, banner(), w.New.ActiveFaults())
	w.New.Allow(flow.Source)
	fmt.Println(flow.Name, banner(), w.New.ActiveFaults())

	copied, err := w.CopyFiles(ctx)
	fmt.Println(copied, err, len(w.New.Manifest("OUT")) == len(w.Old.Manifest("OUT")))
	w.Front.Switch("new")
	fmt.Println(w.Front.To(), len(w.Old.Mutating()))

	// Output:
	// flow-02 EOF [allow-list]
	// flow-02 SSH-2.0 []
	// 24 <nil> true
	// new 0
}
