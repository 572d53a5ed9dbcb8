-- The items set aside now, or one of them.
select item_id, reason, reviewer_id, created_at
from set_aside_item
where $item_id::varchar is null or item_id = $item_id
order by created_at, item_id
