-- Whether untouched places have judgements since they were read, or their items were ever set aside.
select
    (
        select count(*)
        from annotation
        where item_id in ($item_ids) and queue_id = $queue_id
    )
    + (select count(*) from set_aside where item_id in ($item_ids))
