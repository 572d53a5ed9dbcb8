-- The corrections on the items that the snapshot holds, as they stand at this moment.
insert or ignore into snapshot_correction by name
select $snapshot_id as snapshot_id, correction.correction_id, correction.item_id
from correction
join gold on gold.item_id = correction.item_id
where gold.label is not null
