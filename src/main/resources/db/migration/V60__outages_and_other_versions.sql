-- Runs on H2 and PostgreSQL. Processes of the version before go on using these tables.

-- How often its worker died while drawing it. The column starts is of versions before, which counted every start.
alter table job add column deaths integer default 0 not null;

-- All previews of a job, for those who follow it later, until a minute after its end.
drop table job_preview;
create table job_preview (
    job_id varchar(40) not null references job (id) on delete cascade,
    position integer not null, -- 0 … n − 1 within the job
    sequence bigint not null, -- of the step event it belongs to
    jpeg bytea not null,
    primary key (job_id, sequence)
);

-- Pictures whose job was deleted. Their files go if no other job has the same picture.
create table image_deletion (
    hash varchar(64) primary key,
    since timestamp(6) with time zone not null, -- of the deletion of its job, or of the beginning of its file's
    begun boolean default false not null -- its file is being deleted: whoever draws the same picture waits for the end of this row
);
