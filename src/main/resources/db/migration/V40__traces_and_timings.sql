-- Runs on H2 and PostgreSQL.

alter table job add column traceparent varchar(64); -- of the request that posted it, W3C; null if that was not traced

-- Milliseconds that its pictures took together, each as it is recorded.
alter table job add column encode_ms double precision default 0 not null; -- reading prompts
alter table job add column steps_ms double precision default 0 not null; -- U-Net calls that had a picture of it
alter table job add column decode_ms double precision default 0 not null; -- latents to pixels
alter table job add column store_ms double precision default 0 not null; -- making and storing files
