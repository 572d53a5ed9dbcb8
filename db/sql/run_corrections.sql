-- How many items people had corrected in what each training run learned from.
select run.run_id, count(distinct frozen.item_id)
from current_training_run as run
left join snapshot_correction as frozen on frozen.snapshot_id = run.snapshot_id
where run.snapshot_id is not null
group by run.run_id
