-- Which versions runs learned from, showed or answered: those of their snapshots.
insert or ignore into seen_version by name
select run.run_id, frozen.item_id, frozen.version
from run
join snapshot_item_version as frozen
    on frozen.snapshot_id = json_extract_string(run.settings, '$.snapshot_id')
where run.run_id in (select unnest($run_ids::varchar[]))
