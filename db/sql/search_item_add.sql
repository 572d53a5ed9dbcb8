-- Number items that are not in the index, at most $limit of them; their texts follow.
insert into search_item by name
select item_id
from every_item as item
anti join search_item using (item_id)
limit $limit
returning item_number
