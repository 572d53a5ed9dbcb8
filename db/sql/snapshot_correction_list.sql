-- The corrections on the items that a snapshot holds, as they stand at this moment.
select $snapshot_id as snapshot_id, correction.correction_id, correction.item_id
from correction
join gold on gold.item_id = correction.item_id
where gold.label is not null
