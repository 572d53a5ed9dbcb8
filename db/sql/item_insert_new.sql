insert into imported_item by name
select incoming_item.*
from incoming_item
anti join imported_item using (item_id)
