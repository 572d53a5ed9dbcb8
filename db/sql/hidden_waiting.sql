-- Which of the items handed over are hidden from a viewer, each with a queue that waits for it;
-- null: only the whole project does.
select item_id, min(queue_id)
from scratch.waiting_item($viewer)
semi join incoming_queue_item using (item_id)
group by item_id
