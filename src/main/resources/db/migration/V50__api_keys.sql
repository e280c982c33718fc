-- Who may call, and how much of it.

create table api_key (
    id varchar(16) primary key, -- the public part of the key
    hash varchar(64) not null, -- SHA-256 of the secret part, hexadecimal
    name varchar(64) not null,
    scopes varchar(200) not null, -- separated by spaces
    created_at timestamp(6) with time zone not null,
    expires_at timestamp(6) with time zone,
    revoked_at timestamp(6) with time zone,
    requests_per_minute integer, -- limits; null is none
    open_jobs integer,
    pictures_per_day integer
);

-- Pictures that callers with a quota asked for, by day in UTC. Whoever posts for a caller locks its row.
create table caller_usage (
    caller varchar(200) not null,
    used_on date not null,
    pictures bigint not null,
    primary key (caller, used_on)
);

create index job_caller_state on job (caller, state);
