-- What waits for a viewer's blind label on an item; null: the whole project.
select queue_id from scratch.waiting_item($viewer) where item_id = $item_id order by queue_id
