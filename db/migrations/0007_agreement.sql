-- What agreement is counted from, and why and over what a decision was made.

alter table adjudication add column reason varchar;       -- a word of AdjudicationReason
alter table adjudication add column old_label varchar;    -- the label of record before it
alter table adjudication add column old_origin varchar;   -- imported, agreed or adjudicated

-- What a reviewer says of an item in a phase. Unannounced repeats are left out: they tell how far
-- reviewers agree with themselves. A recheck replaces the label that was saved too fast.
create view rating as
select
    annotation_id, annotation_number, item_id, reviewer_id, phase, origin, run_id,
    list_sort(labels) as labels, verdicts, duration_seconds
from kept_annotation
where showing <> 'repeat'
qualify row_number() over (
    partition by item_id, reviewer_id, phase order by annotation_number desc
) = 1;

-- What a reviewer says of an item in the end.
create view final_rating as
select *
from rating
qualify row_number() over (
    partition by item_id, reviewer_id order by annotation_number desc
) = 1;

-- Every unannounced repeat beside what the same reviewer had said before it in the same phase.
create view repeated_rating as
select
    again.item_id,
    again.reviewer_id,
    again.phase,
    again.origin,
    list_sort(earlier.labels) as first_labels,
    list_sort(again.labels) as repeat_labels
from kept_annotation as again
join kept_annotation as earlier
    on earlier.item_id = again.item_id
    and earlier.reviewer_id = again.reviewer_id
    and earlier.phase = again.phase
    and earlier.annotation_number < again.annotation_number
    and earlier.showing <> 'repeat'
where again.showing = 'repeat'
qualify row_number() over (
    partition by again.annotation_id order by earlier.annotation_number desc
) = 1;

-- What a reviewer said blind and after the reveal, beside what was revealed.
create view reveal as
select
    revealed.item_id,
    revealed.reviewer_id,
    revealed.origin,
    item.source,
    item.label_set,
    blind.labels as before,
    revealed.labels as after,
    item.gold_label as gold,
    read_prediction.text_label as "text",
    read_prediction.head_label as head
from rating as revealed
join rating as blind
    on blind.item_id = revealed.item_id
    and blind.reviewer_id = revealed.reviewer_id
    and blind.phase = 'blind'
join item on item.item_id = revealed.item_id
left join read_prediction
    on read_prediction.run_id = revealed.run_id and read_prediction.item_id = revealed.item_id
where revealed.phase = 'revealed';
