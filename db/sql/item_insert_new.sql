insert into item
select incoming_item.*
from incoming_item
anti join item using (item_id)
