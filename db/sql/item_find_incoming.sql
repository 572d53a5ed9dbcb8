-- The stored items that the incoming ones would meet.
select item.* exclude (created_at)
from item
semi join incoming_item using (item_id)
