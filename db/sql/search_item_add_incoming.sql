-- Number the items that were just stored and are not in the index; their texts follow.
insert into search_item by name
select item_id
from incoming_item
anti join search_item using (item_id)
returning item_number
