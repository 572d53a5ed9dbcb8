-- $item_ids: items that are about to be completed. A content that an item had twice is kept once.
insert into replaced_item by name
select stored.row_key as item_id, stored.body, $replaced_at::timestamp as replaced_at
from evidence_imported_item as stored
anti join replaced_item as kept on kept.item_id = stored.row_key and kept.body = stored.body
where stored.row_key in (select unnest($item_ids::varchar[]))
