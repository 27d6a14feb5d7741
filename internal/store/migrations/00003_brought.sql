-- +goose Up
ALTER TABLE observation ADD COLUMN brought TEXT NOT NULL DEFAULT '{}';
