-- Which models were compared with which champion on the test split: every further look at the same
-- items makes a chance difference likelier, and the gate corrects for their number.
create sequence gate_use_number;

create table gate_use (
    number bigint primary key default nextval('gate_use_number'),
    champion_run_id varchar not null,   -- empty: the majority-class baseline
    challenger_run_id varchar not null,
    test_digest varchar not null,       -- of the test items and labels at the first look
    reviewer_id varchar not null,
    created_at timestamp not null,
    unique (champion_run_id, challenger_run_id)
);
