-- The stored items that the incoming ones would meet and may change, each next to its incoming form.
select item, incoming_item
from incoming_item
join imported_item as item using (item_id)
where item.content_hash <> incoming_item.content_hash
    or item.origin = $provisional
