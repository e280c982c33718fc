-- What each Idempotency-Key stands for, at least 24 hours unless its job is deleted before.
create table idempotency (
    caller varchar(200) not null,
    idempotency_key varchar(255) not null,
    request varchar(64) not null, -- SHA-256 of what was asked for, hexadecimal
    job_id varchar(40) not null references job (id) on delete cascade,
    status integer, -- status and body of the first answer, once there was one that can change
    body varchar,
    created_at timestamp(6) with time zone not null,
    primary key (caller, idempotency_key)
);
create index idempotency_job on idempotency (job_id);
create index idempotency_created on idempotency (created_at);

-- A caller's jobs, newest first.
create index job_caller on job (caller, id);
