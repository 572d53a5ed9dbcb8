select count(distinct item_id) from scratch.hidden_item($viewer)
