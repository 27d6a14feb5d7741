package runbooks

import "strings"

// Keys lists every key that a runbook file can have, sorted: "steps.ID.http.url". ID and NAME stand for names the author chooses, END
// for from and to.
func Keys() []string { return strings.Fields(keys) }

const keys = `
back_out
parameters
parameters.NAME.default
parameters.NAME.title
parameters.NAME.type
parameters.NAME.values
runbook
steps
steps.ID.after_gate
steps.ID.area
steps.ID.backoff
steps.ID.change
steps.ID.check
steps.ID.check.checks
steps.ID.check.pairs
steps.ID.check.side
steps.ID.check.suite
steps.ID.closes
steps.ID.command
steps.ID.command[].parameter
steps.ID.dir
steps.ID.env
steps.ID.http
steps.ID.http.body
steps.ID.http.ca
steps.ID.http.expect
steps.ID.http.headers
steps.ID.http.method
steps.ID.http.token
steps.ID.http.url
steps.ID.idempotent_check
steps.ID.manual
steps.ID.message
steps.ID.message.audience
steps.ID.message.report
steps.ID.needs
steps.ID.not_after
steps.ID.not_before
steps.ID.on_failure
steps.ID.owner
steps.ID.point_of_no_return
steps.ID.rehearse
steps.ID.repeatable
steps.ID.retries
steps.ID.runbook
steps.ID.sftp_copy
steps.ID.sftp_copy.END.dir
steps.ID.sftp_copy.END.host_key
steps.ID.sftp_copy.END.key
steps.ID.sftp_copy.END.service
steps.ID.sftp_copy.END.side
steps.ID.sftp_copy.END.user
steps.ID.sftp_copy.files
steps.ID.sftp_copy.from
steps.ID.sftp_copy.parallel
steps.ID.sftp_copy.to
steps.ID.stream
steps.ID.switches
steps.ID.takes
steps.ID.timeout
steps.ID.title
steps.ID.undoes
steps.ID.verify
steps.ID.verify.checks
steps.ID.verify.side
steps.ID.wait
steps.ID.wait.check
steps.ID.wait.every
steps.ID.wait.file
steps.ID.wait.for
steps.ID.wait.on
steps.ID.wait.on.dir
steps.ID.wait.on.host_key
steps.ID.wait.on.key
steps.ID.wait.on.service
steps.ID.wait.on.side
steps.ID.wait.on.user
steps.ID.wait.side
steps.ID.wait.timeout
steps.ID.wait.until
steps.ID.with
steps.ID.with.NAME.parameter
title
window
`
