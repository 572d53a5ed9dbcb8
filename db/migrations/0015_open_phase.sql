-- One word for one thing: what is shown from the start is 'open', as the mode is called, and whether
-- an item is shown for the first time is its presentation.

-- A column of a table with an index cannot be renamed, and no index can be made over updated rows.
drop index annotation_of_item;
alter table annotation rename column showing to presentation;
create index annotation_of_item on annotation (item_id);

update annotation set phase = 'open' where phase = 'single';
update draft set phase = 'open' where phase = 'single';
update review_event set phase = 'open' where phase = 'single';

-- Views over every column of annotation hold the names that the columns had.
create or replace view kept_annotation as
select annotation.*
from annotation
anti join (
    select retracted_annotation_id as annotation_id, item_id
    from annotation
    where action = 'retract'
) as retraction using (item_id, annotation_id)
where action = 'label';

create or replace view standing_annotation as
select *
from kept_annotation
qualify row_number() over (
    partition by item_id, reviewer_id order by annotation_number desc
) = 1;

create or replace view phase_annotation as
select *
from kept_annotation
qualify row_number() over (
    partition by item_id, reviewer_id, phase order by annotation_number desc
) = 1;

create or replace view rating as
select
    annotation_id, annotation_number, item_id, reviewer_id, phase, origin, run_id,
    list_sort(labels) as labels, verdicts, duration_seconds
from kept_annotation
where presentation <> 'repeat'
qualify row_number() over (
    partition by item_id, reviewer_id, phase order by annotation_number desc
) = 1;

create or replace view repeated_rating as
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
    and earlier.presentation <> 'repeat'
where again.presentation = 'repeat'
qualify row_number() over (
    partition by again.annotation_id order by earlier.annotation_number desc
) = 1;
