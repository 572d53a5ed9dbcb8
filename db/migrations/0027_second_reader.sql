-- How probable it is that the answers of a run are right, and which were accepted without a look.

-- The head that reviews taught, for one run and label set: the latest alone, for it can be fitted again.
create table correctness_fit (
    run_id varchar not null,
    label_set varchar not null,
    figures varchar not null,           -- a JSON object: the fields of CorrectnessFigures
    fitted_on varchar not null,         -- what the labels of record looked like
    created_at timestamp not null,
    primary key (run_id, label_set)
);

-- What that head gives each answer.
create table correctness (
    run_id varchar not null,
    label_set varchar not null,
    item_id varchar not null,
    probability double not null,        -- that the label read from the answer is right
    is_learned boolean not null,        -- the item was reviewed and taught the head; then out of fold
    seconds double not null             -- that reviewing the item is expected to take
);

-- Answers accepted because of their probability: never a judgement of a person.
create table acceptance_rule (
    rule_id varchar primary key,
    run_id varchar not null,
    label_set varchar not null,
    source varchar,                     -- null: all
    split varchar,                      -- null: all
    risk double not null,               -- largest share of errors among the accepted items
    confidence_level double not null,   -- with which that holds
    threshold double not null,          -- smallest probability that was accepted
    num_reviewed bigint not null,       -- random items behind it
    num_above bigint not null,          -- those that reach the threshold
    num_errors bigint not null,         -- wrong ones among them
    review_share double not null,       -- of the accepted items, drawn at random to be reviewed all the same
    queue_id varchar,                   -- their queue; null where there are none
    created_by varchar not null,
    created_at timestamp not null
);

create table accepted_item (
    rule_id varchar not null,
    item_id varchar not null,
    label varchar not null              -- the answer's, which was accepted
);

create sequence acceptance_event_sequence;
create table acceptance_event (
    event_number bigint primary key default nextval('acceptance_event_sequence'),
    rule_id varchar not null,
    action varchar not null,            -- accept, suspend (automatically) or undo
    reason varchar not null,
    num_reviewed bigint not null,       -- accepted items that were reviewed by then
    num_errors bigint not null,         -- wrong ones among them
    reviewer_id varchar,                -- null: automatically
    created_at timestamp not null
);

create view current_acceptance as
select
    rule.*,
    event.action,
    event.reason,
    event.created_at as changed_at
from acceptance_rule as rule
join (
    from acceptance_event
    qualify row_number() over (partition by rule_id order by event_number desc) = 1
) as event on event.rule_id = rule.rule_id;

-- The items that are accepted at present.
create view accepted as
select distinct accepted_item.item_id, current_acceptance.run_id
from accepted_item
join current_acceptance on current_acceptance.rule_id = accepted_item.rule_id
where current_acceptance.action = 'accept';
