-- The records of a run: those made of one item, or those that show it as a shot.
select item_id, num_shots, option_order, fold, shot_item_ids
from training_record
where run_id = $run_id
    and ($item_id::varchar is null or item_id = $item_id or list_contains(shot_item_ids, $item_id))
order by item_id = $item_id desc, item_id, num_shots, option_order
limit $limit
