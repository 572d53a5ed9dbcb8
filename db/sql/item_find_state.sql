-- The versions that changed the sense of an item, and the times that it was set aside (reason) or restored
-- (null), in no order.
select version as number, true as is_version, null as reason
from item_version
where item_id = $item_id and changes_sense
union all
select set_aside_number, false, case when is_set_aside then reason end
from set_aside
where item_id = $item_id
