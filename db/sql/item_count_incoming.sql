-- How many of the incoming items are stored already.
select count(*)
from incoming_item
semi join item using (item_id)
