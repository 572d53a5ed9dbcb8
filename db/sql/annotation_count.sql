select count(*) from annotation where item_id = $item_id
