-- How many of the incoming items are stored already.
select count(*)
from incoming_item
semi join imported_item using (item_id)
