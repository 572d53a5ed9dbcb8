-- At most one row, while the file is open: db/open_mark.py.
create table open_mark (
    session_id varchar not null,
    opened_at timestamp not null,
    is_logged boolean not null      -- false in the file, true in the log
);
