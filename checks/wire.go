package checks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"skift/internal/diag"
	"skift/internal/yamldoc"
)

// ReadOptions reads the options of a kind as JSON wrote them. Unknown fields are an error: who asks must understand all that is asked.
func ReadOptions(kind Kind, data []byte) (Options, error) {
	def, ok := kindDef(kind)
	if !ok {
		return nil, fmt.Errorf("there is no kind of check %q", kind)
	}
	v := reflect.New(reflect.TypeOf(def.empty()))
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v.Interface()); err != nil {
		return nil, fmt.Errorf("options of kind %s: %w", kind, err)
	}
	o, _ := v.Elem().Interface().(Options) // the type is that of an Options
	return o, nil
}

// empty are the options of a check in which nothing is written: of use for their type only.
func (d KindDef) empty() Options {
	var problems diag.List // that something is missing does not matter here
	root, _ := yamldoc.Parse("", []byte("{}"), &problems)
	return d.read(&reader{m: root.Map(), problems: &problems, spec: &Spec{Kind: d.Kind}})
}
