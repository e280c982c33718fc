-- Jobs from before were drawn in shared calls; their specs end in "}".
update job
set spec = substring(spec, 1, char_length(spec) - 1) || ',"determinism":"FAST","previews":0}';

-- Workers publish what they serve at start, in the new form.
delete from model;

-- The newest preview of each picture that is being drawn.
create table job_preview (
    job_id varchar(40) not null references job (id) on delete cascade,
    position integer not null, -- 0 … n − 1 within the job
    sequence bigint not null, -- of the step event it belongs to
    jpeg bytea not null,
    primary key (job_id, position)
);
