update scratch.item set record_label = $label, record_origin = $origin where item_id = $item_id
