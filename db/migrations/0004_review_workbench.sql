-- What a reviewer can say beyond one label, and what surrounds it: queues, reservations, drafts,
-- events, settings. The table is made anew because DuckDB adds no column that must not be null.

create table annotation_with_more (
    annotation_id varchar primary key,
    annotation_number bigint not null default nextval('annotation_sequence'),  -- the order of arrival
    item_id varchar not null,
    reviewer_id varchar not null,
    label varchar,                      -- the only acceptable label; null for several or for none
    labels varchar[] not null default [],  -- acceptable ones in the item's order; none: not answerable
    created_at timestamp not null,      -- the server's time
    client_at timestamp,                -- the browser's time at the press
    action varchar not null,
    origin varchar not null,
    run_id varchar,
    old_label varchar,
    old_answer varchar,
    answer varchar,
    note varchar not null,
    phase varchar not null,             -- single, blind, revealed
    showing varchar not null default 'first',  -- first, repeat (unannounced), recheck (was too fast)
    verdicts varchar[] not null default [],
    severity varchar,                   -- minor, moderate, severe
    confidence varchar,                 -- low, medium, high
    span_text varchar,                  -- which text the span lies in: answer, corrected
    span_start integer,
    span_end integer,
    is_flagged boolean not null default false,
    is_fast boolean not null default false,    -- saved in less time than reading takes
    duration_seconds double,
    queue_id varchar,
    guideline_version varchar,
    retracted_annotation_id varchar     -- for action 'retract': the annotation taken back
);

insert into annotation_with_more by name
select *, case when label is null then [] else [label] end as labels from annotation;

drop view gold;
drop view standing_annotation;
drop table annotation;
alter table annotation_with_more rename to annotation;
create index annotation_of_item on annotation (item_id);

-- Annotations that were not taken back, every one.
create view kept_annotation as
select annotation.*
from annotation
anti join (
    select retracted_annotation_id as annotation_id, item_id
    from annotation
    where action = 'retract'
) as retraction using (item_id, annotation_id)
where action = 'label';

-- A reviewer's latest annotation on an item that was not taken back: at most one for each pair.
create view standing_annotation as
select *
from kept_annotation
qualify row_number() over (
    partition by item_id, reviewer_id order by annotation_number desc
) = 1;

-- The same for each phase: what a reviewer said blind stays beside what they said after the reveal.
create view phase_annotation as
select *
from kept_annotation
qualify row_number() over (
    partition by item_id, reviewer_id, phase order by annotation_number desc
) = 1;

-- Reviewers agree where all of them accept the same one label. Where all of them accept the same
-- several labels, or none, they do not conflict, and the imported label stays the one of record.
create view gold as
with agreement as (
    select
        item_id,
        min(label) as label,
        -- Lists are slow to compare: only those that are not one label are.
        coalesce(min(label) = max(label), true)
        and (
            count(label) = count(*)
            or (count(label) = 0 and min(other_labels) = max(other_labels))
        ) as is_unanimous
    from (
        select
            item_id, label, case when label is null then array_to_string(labels, chr(31)) end as other_labels
        from standing_annotation
        where origin = 'review'
    )
    group by item_id
),
decision as (
    select item_id, arg_max(label, adjudication_number) as label
    from adjudication
    group by item_id
)
select
    item.item_id,
    coalesce(
        decision.label,
        case when agreement.is_unanimous then agreement.label end,
        item.gold_label
    ) as label,
    case
        when decision.label is not null then 'adjudicated'
        when agreement.is_unanimous and agreement.label is not null then 'agreed'
        when item.gold_label is not null then 'imported'
    end as origin,
    decision.label is null and coalesce(not agreement.is_unanimous, false) as conflicting,
    item.gold_label as imported_label
from item
left join agreement on agreement.item_id = item.item_id
left join decision on decision.item_id = item.item_id;

-- A queue never changes: its items and their order are frozen when it is made, later ones are added
-- at its end, and it can be closed (an event).
create table queue (
    queue_id varchar primary key,
    name varchar not null,
    run_id varchar,                     -- whose answers are shown
    filter varchar not null,            -- a JSON object: the fields of ReviewFilter
    item_order varchar not null,
    seed bigint not null,               -- of the order 'random' and of the repeats
    num_reviewers integer not null,     -- how many people label each item
    mode varchar not null,              -- open, blind
    sharing varchar not null,           -- anyone (first come), dealt (each item belongs to people)
    reviewer_ids varchar[] not null,    -- who may work on it; empty: everybody
    repeat_share double not null,       -- share of items shown again, unannounced, to who labelled them
    created_at timestamp not null,
    created_by varchar not null
);

create table queue_item (
    queue_id varchar not null,
    "position" bigint not null,         -- from 0
    item_id varchar not null
);

-- A reservation is the latest row of a queue, item and reviewer, until it expires. Renewing appends
-- a row with a later end, giving back one that has ended.
create sequence reservation_sequence;
create table reservation (
    reservation_number bigint not null default nextval('reservation_sequence'),
    queue_id varchar not null,
    item_id varchar not null,
    reviewer_id varchar not null,
    created_at timestamp not null,
    expires_at timestamp not null
);

-- What a reviewer has begun to say of an item; the latest row counts, an empty body clears it.
create sequence draft_sequence;
create table draft (
    draft_number bigint not null default nextval('draft_sequence'),
    item_id varchar not null,
    reviewer_id varchar not null,
    phase varchar not null,
    body varchar not null,              -- a JSON object
    created_at timestamp not null
);

-- Everything people do that is not an annotation or an adjudication.
create sequence review_event_sequence;
create table review_event (
    event_number bigint not null default nextval('review_event_sequence'),
    action varchar not null,            -- open, reveal, skip, flag, unflag, recheck, close_queue ...
    reviewer_id varchar not null,
    item_id varchar,
    queue_id varchar,
    phase varchar,
    old_value varchar,
    new_value varchar,
    created_at timestamp not null,      -- the server's time
    client_at timestamp                 -- the browser's time
);

-- Settings of the whole project; the latest row of a key counts.
create sequence setting_sequence;
create table setting (
    setting_number bigint not null default nextval('setting_sequence'),
    key varchar not null,
    value varchar not null,             -- JSON
    reviewer_id varchar not null,
    created_at timestamp not null
);
