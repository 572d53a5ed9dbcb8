select item_number from search_item where item_id in (select unnest($item_ids::varchar[]))
