-- +goose Up
-- What was answered lately, and what is older than is kept, is found by time alone.
CREATE INDEX observation_until ON observation (plan, until);
