select queue_id, count(*) from scratch.waiting_item($viewer) group by queue_id
