package plan

import "strings"

// Keys lists every key that plan.yaml can have, sorted: "gates.ID.criteria[].suite". ID, SEAT, ENV and SIDE stand for names the author
// chooses, [] for an item of a list. Wherever a date can stand, so can a map with the keys of DATE. The keys of a check are those of
// package checks; the words that `words` can replace are those of package words.
func Keys() []string { return strings.Fields(keys) }

const keys = `
DATE.about DATE.assumed DATE.at DATE.column DATE.fold
areas
audiences audiences.ID.cron audiences.ID.for_each audiences.ID.jitter audiences.ID.language audiences.ID.on_missed
audiences.ID.report audiences.ID.title audiences.ID.to
checks
contacts
environments environments.ID.production
flows
gates gates.ID.asks gates.ID.criteria gates.ID.criteria[].attested gates.ID.criteria[].by gates.ID.criteria[].critical
gates.ID.criteria[].environment gates.ID.criteria[].for gates.ID.criteria[].green_days gates.ID.criteria[].id
gates.ID.criteria[].incidents gates.ID.criteria[].incidents.a gates.ID.criteria[].incidents.b gates.ID.criteria[].incidents.c
gates.ID.criteria[].max_age gates.ID.criteria[].milestone gates.ID.criteria[].others gates.ID.criteria[].platform
gates.ID.criteria[].rehearsal gates.ID.criteria[].rerun gates.ID.criteria[].state gates.ID.criteria[].suite
gates.ID.criteria[].within gates.ID.decide_by gates.ID.decides gates.ID.opens gates.ID.poll gates.ID.scope
gates.ID.scope.services
holidays
language
meetings meetings.ID.parties meetings.ID.place meetings.ID.table meetings.ID.title
milestones milestones.ID.allow milestones.ID.applies_to milestones.ID.area milestones.ID.change milestones.ID.date
milestones.ID.environment milestones.ID.exit milestones.ID.from milestones.ID.hard milestones.ID.in milestones.ID.in_flight milestones.ID.kind
milestones.ID.owner milestones.ID.parties milestones.ID.rehearsal milestones.ID.runbook milestones.ID.services milestones.ID.title
milestones.ID.until milestones.ID.was milestones.ID.was[].by milestones.ID.was[].date milestones.ID.was[].from milestones.ID.was[].in
milestones.ID.was[].moved milestones.ID.was[].reason milestones.ID.was[].until
parties parties.ID.consent parties.ID.consent.from parties.ID.consent.levels parties.ID.consent.ref parties.ID.consent.until
parties.ID.members parties.ID.name parties.ID.role
plan
platforms platforms.SIDE.name platforms.SIDE.networks platforms.SIDE.party platforms.new platforms.old
roster
seats seats.SEAT.answer_within seats.SEAT.deputies seats.SEAT.title
services services.ID.in services.ID.in.ENV.SIDE.addr services.ID.in.ENV.SIDE.server_name services.ID.in.ENV.new
services.ID.in.ENV.old services.ID.networks services.ID.party services.ID.server_name services.ID.source_rule services.ID.title
suites suites.ID.checks suites.ID.cron suites.ID.during suites.ID.during[].from suites.ID.during[].until suites.ID.environment
suites.ID.every suites.ID.jitter suites.ID.on_missed suites.ID.title
thresholds thresholds.red thresholds.yellow
timezone
title
vantages vantages.ID.control vantages.ID.egress_ip vantages.ID.party vantages.ID.reflector vantages.ID.source_ip
waves waves.audiences waves.gates waves.milestones waves.party waves.table
words
`
