-- The records of a run: those made of one item, or those that show it as a shot.
select
    item_id, num_shots, option_order, fold, shot_item_ids,
    coalesce(seen_version.version, 1) as item_version
from training_record
left join seen_version using (run_id, item_id)
where run_id = $run_id
    and ($item_id::varchar is null or item_id = $item_id or list_contains(shot_item_ids, $item_id))
order by item_id = $item_id desc, item_id, num_shots, option_order
limit $limit
