select item_id, question from item where item_id in (select unnest($item_ids::varchar[]))
