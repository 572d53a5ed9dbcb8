-- Whether an untouched place has a judgement since it was read, or its item was ever set aside.
select
    (select count(*) from annotation where item_id = $item_id and queue_id = $queue_id)
    + (select count(*) from set_aside where item_id = $item_id)
