-- reviewer_id: what this reviewer has done; all reviewers' where it is null.
with labelled as (
    select
        item_id,
        reviewer_id,
        sum(duration_seconds) as seconds,
        bool_or(is_fast) as is_fast
    from kept_annotation
    anti join set_aside_item using (item_id)
    where queue_id = $queue_id and ($reviewer_id is null or reviewer_id = $reviewer_id)
    group by item_id, reviewer_id
    having bool_or(phase <> 'blind')
)
select
    (
        select count(*) from queue_item anti join set_aside_item using (item_id)
        where queue_id = $queue_id
    ) as num_items,
    count(*) as num_done,
    median(seconds) as median_seconds,
    count(*) filter (where is_fast) as num_fast
from labelled
