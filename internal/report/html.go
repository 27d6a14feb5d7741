package report

import (
	"bytes"
	"fmt"
	"html/template"

	"skift/internal/term"
)

// colours of the states on white: each has at least 4.5:1 against it, so white on the colour has too.
var colours = map[term.State]template.CSS{
	term.Plain: "#24292F", term.OK: "#1A7F37", term.Risk: "#8A5A00", term.Fail: "#B3261E", term.Running: "#005A9C",
	term.Unknown: "#57606A", term.Gate: "#6F42C1",
}

// html draws the document for mail clients, the Word engine among them: tables for the layout, widths as attributes, inline
// styles, nothing to load.
func (d document) html() (string, error) {
	var b bytes.Buffer
	if err := mail.Execute(&b, d.view()); err != nil {
		return "", fmt.Errorf("draw the report: %w", err)
	}
	return b.String(), nil
}

// view is the document with its blocks told apart, as the template needs them.
type view struct {
	document
	Parts []part
}

// part is exactly one block.
type part struct {
	Heading string
	Para    *para
	Table   *table
}

func (d document) view() view {
	v := view{document: d}
	for _, b := range d.Blocks {
		switch b := b.(type) {
		case heading:
			v.Parts = append(v.Parts, part{Heading: string(b)})
		case para:
			v.Parts = append(v.Parts, part{Para: &b})
		case table:
			v.Parts = append(v.Parts, part{Table: &b})
		}
	}
	return v
}

var mail = template.Must(template.New("mail").Funcs(template.FuncMap{
	"colour": func(s term.State) template.CSS { return colours[s] },
}).Parse(mailTemplate))

const mailTemplate = `<!DOCTYPE html>
<html lang="{{.Lang}}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Subject}}</title></head>
<body style="margin:0;padding:0;background:#F3F4F6">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td align="center" style="padding:12px 4px">
<table role="presentation" width="640" cellpadding="0" cellspacing="0" border="0" style="width:640px;max-width:100%;background:#FFFFFF;font-family:Segoe UI,Arial,sans-serif;font-size:14px;line-height:20px;color:#24292F">
<tr><td style="padding:16px 20px 12px;background:#0D3B66;color:#FFFFFF"><p style="margin:0;font-size:13px;line-height:18px">{{.Title}}</p><h1 style="margin:0;font-size:19px;line-height:26px">{{.Plan}}</h1></td></tr>
{{- range .Parts}}
{{- if .Heading}}
<tr><td style="padding:18px 20px 4px"><h2 style="margin:0;font-size:16px;line-height:22px;color:#0D3B66">{{.Heading}}</h2></td></tr>
{{- else if .Para}}
<tr><td style="padding:4px 20px">{{with .Para}}<p style="margin:0{{if .Quiet}};font-size:12px;line-height:17px;color:#57606A;word-break:break-word{{end}}">{{with .Badge}}{{template "badge" .}} {{end}}{{if .Link}}<a href="{{.Link}}" style="color:#005A9C">{{.Text}}</a>{{else}}{{.Text}}{{end}}</p>{{end}}</td></tr>
{{- else}}
<tr><td style="padding:4px 20px">{{with .Table}}<table width="100%" cellpadding="4" cellspacing="0" border="0" style="border-collapse:collapse;font-size:13px;line-height:18px">
<tr>{{range .Cols}}<th scope="col" align="left" style="border-bottom:2px solid #8C959F">{{.}}</th>{{end}}</tr>
{{range .Rows}}<tr>{{range .}}<td valign="top" style="border-bottom:1px solid #D0D7DE">{{with .Badge}}{{template "badge" .}}{{end}}{{if and .Badge .Text}} {{end}}{{.Text}}</td>{{end}}</tr>
{{end}}</table>{{with .More}}<p style="margin:4px 0 0;font-size:13px">{{.}}</p>{{end}}{{end}}</td></tr>
{{- end}}
{{- end}}
<tr><td style="padding:8px">&nbsp;</td></tr>
</table></td></tr></table>
</body></html>
{{define "badge"}}<span style="color:{{colour .State}};font-weight:bold">{{with .State.Shape}}{{.}} {{end}}{{.Word}}</span>{{end}}`
