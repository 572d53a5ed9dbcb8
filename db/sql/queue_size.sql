-- What is left of queues: their items, the labels still missing, and the items that miss any.
with labelled as (
    select queue_id, item_id, count(*) as num_labels
    from (
        select queue_id, item_id, reviewer_id
        from kept_annotation
        where list_contains($queue_ids::varchar[], queue_id)
        group by all
        having bool_or(phase <> 'blind')
    )
    group by all
)
select
    queue_id,
    count(*) as num_items,
    sum(greatest(num_reviewers - coalesce(num_labels, 0), 0)) as num_missing,
    count(*) filter (where coalesce(num_labels, 0) < num_reviewers) as num_open
from queue_item
join queue using (queue_id)
anti join set_aside_item using (item_id)
left join labelled using (queue_id, item_id)
where list_contains($queue_ids::varchar[], queue_id)
group by queue_id
