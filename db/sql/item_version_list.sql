-- Every version of an item with who made it and why, and how much was said, answered and learned of it.
with said as (
    select item_version as version, count(*) as num_annotations
    from annotation
    where item_id = $item_id and action = 'label'
    group by item_version
),
answered as (
    select coalesce(seen_version.version, 1) as version, count(*) as num_predictions
    from stored_prediction
    left join seen_version using (run_id, item_id)
    where stored_prediction.item_id = $item_id
    group by all
),
learned as (
    select
        coalesce(seen_version.version, 1) as version,
        count(distinct training_record.run_id) as num_training_runs
    from training_record
    left join seen_version using (run_id, item_id)
    where training_record.item_id = $item_id
    group by all
)
select
    shown.item_id, source, question, context, label_set, labels, options, gold_label, long_answer,
    split, metadata, shown.version, shown.is_several,
    coalesce(changed.changes_sense, false) as changes_sense,
    coalesce(changed.reason, '') as reason,
    changed.reviewer_id,
    changed.created_at,
    coalesce(num_annotations, 0) as num_annotations,
    coalesce(num_predictions, 0) as num_predictions,
    coalesce(num_training_runs, 0) as num_training_runs
from item_history as shown
left join (
    select item_id, version, changes_sense, reason, reviewer_id, created_at from item_version
) as changed using (item_id, version)
left join said using (version)
left join answered using (version)
left join learned using (version)
where shown.item_id = $item_id
order by shown.version
