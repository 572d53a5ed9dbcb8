select item_id, label, origin, conflicting from gold where item_id = $item_id
