-- +goose Up
-- A sweep that finds nothing new moves on the end of what every unit answers now. The indexes by time hold only what was answered before
-- that, so that they are not touched then; of what is answered now, an index knows the check, which stays.
DROP INDEX observation_check;
DROP INDEX observation_until;
CREATE INDEX observation_check ON observation (plan, check_id, until) WHERE NOT latest;
CREATE INDEX observation_until ON observation (plan, until) WHERE NOT latest;
CREATE INDEX observation_latest_check ON observation (plan, check_id) WHERE latest;
