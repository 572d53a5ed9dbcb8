select distinct reviewer_id from kept_annotation where queue_id = $queue_id order by reviewer_id
