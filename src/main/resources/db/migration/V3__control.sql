-- Priorities, fairness, expiry, queue positions and times.

alter table job add column caller varchar(200) default '' not null; -- who posted it
alter table job add column priority varchar(8) default 'normal' not null;
alter table job add column expires_at timestamp(6) with time zone; -- must have ended by then
alter table job add column start_tag bigint default 0 not null; -- its place in the queue; jobs are begun in this order
alter table job add column model varchar(200) default '' not null; -- model, pixels, steps, work: of the spec, for sums
alter table job add column pixels integer default 0 not null; -- of a picture
alter table job add column steps integer default 0 not null; -- sampling steps, all pictures together
alter table job add column work bigint default 0 not null; -- U-Net evaluations of one row, all together

drop index job_state;
create index job_queue on job (state, start_tag, id);
create index job_finished on job (finished_at);

-- Jobs from before are first in line.
update scheduled_tasks set execution_time = timestamp with time zone '1970-01-01 00:00:00+00' where picked = false;

-- Flows of jobs, fair to each other by start-time fair queueing: each caller has one for each priority.
create table flow (
    caller varchar(200) not null,
    priority varchar(8) not null,
    finish_tag bigint not null, -- of the newest job
    primary key (caller, priority)
);

-- Processes that draw, and what each offers.
create table worker (
    id varchar(60) primary key,
    seen_at timestamp(6) with time zone not null -- by the database's clock
);

drop table model;
create table model (
    worker_id varchar(60) not null references worker (id) on delete cascade,
    id varchar(200) not null,
    position integer not null, -- 0 is the default model
    info varchar not null, -- ModelInfo, JSON
    primary key (worker_id, id)
);

-- What was measured of pictures of one size, in milliseconds.
create table pace (
    model varchar(200) not null,
    pixels integer not null,
    step_ms double precision not null, -- from one step of a picture to its next, in company
    row_ms double precision not null, -- the same, divided by the rows in company
    finish_ms double precision not null, -- from a picture's last step to its record
    primary key (model, pixels)
);

-- The folders of the image store; whoever adds or deletes a file in one locks its row.
create table image_folder (name varchar(2) primary key);
insert into image_folder
    select high.digit || low.digit
    from (values ('0'), ('1'), ('2'), ('3'), ('4'), ('5'), ('6'), ('7'),
        ('8'), ('9'), ('a'), ('b'), ('c'), ('d'), ('e'), ('f')) as high (digit)
    cross join (values ('0'), ('1'), ('2'), ('3'), ('4'), ('5'), ('6'), ('7'),
        ('8'), ('9'), ('a'), ('b'), ('c'), ('d'), ('e'), ('f')) as low (digit);
create index job_image_hash on job_image (hash);
