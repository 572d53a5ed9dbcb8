-- The items of a queue that one reviewer has labelled, and all of its items.
select
    (
        select count(*)
        from (
            select item_id
            from kept_annotation
            anti join set_aside_item using (item_id)
            where queue_id = $queue_id and reviewer_id = $reviewer_id
            group by item_id
            having bool_or(phase <> 'blind')
        )
    ) as num_done,
    (
        select count(*)
        from queue_item
        anti join set_aside_item using (item_id)
        where queue_id = $queue_id
    ) as num_items
