-- Runs whose files were removed and which no list shows any more: older refits that followed a
-- correction. Their states, records and predictions stay, so a correction still leads to them.
create table retired_run (
    run_id varchar primary key,
    created_at timestamp not null
);
