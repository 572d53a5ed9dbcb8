-- How many items have come how far, but hidden ones. Agreed: two people or more gave the same labels, or
-- the item is adjudicated. Learned: a finished training run had the correction and a record of the item.
with shown as (
    select item_id
    from item
    anti join scratch.hidden_item($viewer) as hidden using (item_id)
),
reviewed as (
    select
        item_id,
        count(*) > 1 and min(labels) = max(labels) as is_unanimous,
        min(labels) <> max(labels) as is_disputed
    from standing_annotation
    where origin = 'review' and len(labels) > 0
    group by item_id
),
decided as (select distinct item_id from standing_adjudication),
-- Materialised, as both are used twice: else each is computed twice.
change as materialized (select correction_id, item_id from correction),
answered as materialized (select item_id from shown semi join prediction using (item_id)),
corrected as (select distinct item_id from change),
learned as (
    select distinct change.item_id
    from change
    join snapshot_correction as frozen on frozen.correction_id = change.correction_id
    join current_training_run as run
        on run.snapshot_id = frozen.snapshot_id and run.state = 'succeeded'
    join training_record
        on training_record.run_id = run.run_id and training_record.item_id = change.item_id
)
select
    count(*) as num_imported,
    (select count(*) from answered) as num_answered,
    (select count(*) from answered anti join reviewed using (item_id)) as num_unreviewed,
    count(reviewed.item_id) as num_reviewed,
    count(*) filter (where decided.item_id is not null or is_unanimous) as num_agreed,
    count(corrected.item_id) as num_corrected,
    count(learned.item_id) as num_learned,
    count(*) filter (where decided.item_id is null and is_disputed) as num_disputed
from shown
left join reviewed on reviewed.item_id = shown.item_id
left join decided on decided.item_id = shown.item_id
left join corrected on corrected.item_id = shown.item_id
left join learned on learned.item_id = shown.item_id
