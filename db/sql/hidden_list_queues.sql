-- What waits for a viewer's blind label on items; null: the whole project.
select item_id, queue_id from scratch.waiting_item($viewer) where item_id in ($item_ids) order by queue_id
