-- Runs on H2 and PostgreSQL.

create table job (
    id varchar(40) primary key,
    state varchar(16) not null,
    spec varchar not null, -- the resolved ImageSpec, JSON
    claim bigint not null, -- version of the queue entry's pick that may write this row: the fence
    starts integer not null, -- how often a worker began it without giving it back in order
    step integer not null, -- sampling steps done, all pictures together
    cancel_requested boolean not null,
    failure_code varchar(64),
    failure_message varchar(2000),
    last_event bigint not null, -- sequence number of the newest event
    created_at timestamp(6) with time zone not null,
    started_at timestamp(6) with time zone,
    finished_at timestamp(6) with time zone
);

create index job_state on job (state, cancel_requested);

create table job_event (
    job_id varchar(40) not null references job (id) on delete cascade,
    sequence bigint not null, -- 1, 2, … within the job
    type varchar(16) not null,
    data varchar not null, -- JSON object
    created_at timestamp(6) with time zone not null,
    primary key (job_id, sequence)
);

create table job_image (
    job_id varchar(40) not null references job (id) on delete cascade,
    position integer not null, -- 0 … n − 1 within the job
    seed bigint not null,
    hash varchar(64) not null, -- SHA-256 of the file, hexadecimal: its name in the image store
    bytes bigint not null,
    primary key (job_id, position)
);

create table model (
    id varchar(200) primary key,
    position integer not null, -- 0 is the default model
    info varchar not null -- ModelInfo, JSON
);

-- db-scheduler's own table, as its documentation gives it.
create table scheduled_tasks (
    task_name varchar(100) not null,
    task_instance varchar(100) not null,
    task_data bytea,
    execution_time timestamp(6) with time zone not null,
    picked boolean not null,
    picked_by varchar(50),
    last_success timestamp(6) with time zone,
    last_failure timestamp(6) with time zone,
    consecutive_failures integer,
    last_heartbeat timestamp(6) with time zone,
    version bigint not null,
    priority smallint,
    primary key (task_name, task_instance)
);

create index scheduled_tasks_execution_time on scheduled_tasks (execution_time);
create index scheduled_tasks_last_heartbeat on scheduled_tasks (last_heartbeat);
