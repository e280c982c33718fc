-- With which addresses of pictures are signed that need no credentials; the same for all processes.
create table signing_key (
    id integer primary key, -- 1
    secret varchar(64) not null -- 256 random bits, hexadecimal
);
