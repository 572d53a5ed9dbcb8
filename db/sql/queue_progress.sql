-- What people did in queues, and what waits for them: a row for each, and one for all of a queue (null).
-- num_done_of_open: the items that others are still to label, too. num_own: of a dealt queue what belongs
-- to them, is not labelled by them, and still misses labels.
with labelled as materialized (
    select
        queue_id,
        item_id,
        reviewer_id,
        sum(duration_seconds) as seconds,
        bool_or(is_fast) as is_fast,
        max(created_at) as last_at
    from kept_annotation
    anti join set_aside_item using (item_id)
    where list_contains($queue_ids::varchar[], queue_id)
    group by all
    having bool_or(phase <> 'blind')
),
place as materialized (
    select queue_id, item_id, coalesce(num_labels, 0) < num_reviewers as is_open
    from queue_item
    join queue using (queue_id)
    left join (select queue_id, item_id, count(*) as num_labels from labelled group by all) as labels
        using (queue_id, item_id)
    where list_contains($queue_ids::varchar[], queue_id)
),
part as (
    select queue_id, reviewer_id, true as is_done, coalesce(is_open, false) as is_open, seconds, is_fast, last_at
    from labelled
    left join place using (queue_id, item_id)
    union all by name
    select queue_id, reviewer_id, false as is_done, true as is_open
    from (
        select queue_id, item_id, reviewer_id
        from queue_share
        where list_contains($queue_ids::varchar[], queue_id)
        qualify deal = max(deal) over (partition by queue_id, item_id)
    )
    join place using (queue_id, item_id)
    anti join set_aside_item using (item_id)
    anti join labelled using (queue_id, item_id, reviewer_id)
    where is_open
)
select
    queue_id,
    reviewer_id,
    count(*) filter (where is_done) as num_done,
    count(*) filter (where is_done and is_open) as num_done_of_open,
    count(*) filter (where not is_done) as num_own,
    median(seconds) as median_seconds,
    count(*) filter (where is_fast) as num_fast,
    max(last_at) as last_at
from part
group by grouping sets ((queue_id, reviewer_id), queue_id)
