select distinct item_id
from (select unnest($item_ids::varchar[]) as item_id)
anti join imported_item using (item_id)
order by item_id
