-- Every item that queues were drawn from, with the probability of being drawn for what is labelled so far
-- (null: the order is fixed and not all are labelled); but strata that no one has begun. Callers select
-- from it.
with labelled as (
    select distinct queue_id, item_id
    from kept_annotation
    where origin = 'review' and queue_id is not null
),
frame as (
    select
        queue_draw.*,
        labelled.item_id is not null as is_labelled,
        count(labelled.item_id) over stratum_of as num_labelled,
        count(*) over stratum_of as num_items
    from queue_draw
    left join labelled
        on labelled.queue_id = queue_draw.queue_id and labelled.item_id = queue_draw.item_id
    window stratum_of as (partition by queue_draw.queue_id, queue_draw.stratum)
),
stop as (
    select queue_id, stratum, draw_threshold as threshold
    from frame
    where stratum_rank = num_labelled
)
select
    frame.queue_id,
    frame.stratum,
    frame.stratum_rank,
    frame.item_id,
    frame.is_labelled,
    case
        when frame.draw_size is not null then least(1.0, frame.draw_size * stop.threshold)
        when frame.num_labelled = frame.num_items then 1.0
    end as probability
from frame
left join stop on stop.queue_id = frame.queue_id and stop.stratum = frame.stratum
where frame.num_labelled > 0
