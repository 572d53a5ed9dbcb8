-- Which versions of items a snapshot holds, where it is not the first.
select $snapshot_id as snapshot_id, item.item_id, item.version
from item
join gold on gold.item_id = item.item_id
where item.version > 1 and gold.label is not null
