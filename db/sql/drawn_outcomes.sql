-- Items that two runs answered (or one, compared with itself) and that queues were drawn from, one row
-- for each queue and item: how it was drawn, and whether each run's label is right by what reviewers
-- say (null: not reviewed in the queue, or they do not agree) and by the imported label (null: none).
-- $by_a, $by_b: text or head; $source, $split: null for all.
with population as (
    select
        item.item_id,
        item.imported_label,
        case when item.record_origin in ('agreed', 'adjudicated') then item.record_label end
            as reviewed_label,
        case $by_a when 'head' then a.head_label else a.text_label end as label_a,
        case $by_b when 'head' then b.head_label else b.text_label end as label_b,
        case $by_a when 'head' then a.head_confidence end as confidence_a,
        case $by_b when 'head' then b.head_confidence end as confidence_b,
        item.item_no
    from scratch.outcome as a
    join scratch.outcome as b on b.item_no = a.item_no
    join scratch.item as item on item.item_no = a.item_no
    anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = item.item_id
    where a.run_id = $run_a
        and b.run_id = $run_b
        and item.label_set = $label_set
        and ($source::varchar is null or item.source = $source)
        and ($split::varchar is null or item.split = $split)
        and case $by_a when 'head' then a.head_label is not null else a.has_text_outcome end
        and case $by_b when 'head' then b.head_label is not null else b.has_text_outcome end
),
labelled as (
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
    population.item_no,
    case
        when frame.draw_size is not null then least(1.0, frame.draw_size * stop.threshold)
        when frame.num_labelled = frame.num_items then 1.0
    end as probability,
    case when frame.is_labelled and reviewed_label is not null
        then (label_a is not distinct from reviewed_label)::integer end as right_a,
    case when frame.is_labelled and reviewed_label is not null
        then (label_b is not distinct from reviewed_label)::integer end as right_b,
    case when imported_label is not null
        then (label_a is not distinct from imported_label)::integer
        else confidence_a end as guess_a,
    case when imported_label is not null
        then (label_b is not distinct from imported_label)::integer
        else confidence_b end as guess_b,
    (select count(*) from population) as num_population
from frame
join population on population.item_id = frame.item_id
left join stop on stop.queue_id = frame.queue_id and stop.stratum = frame.stratum
where frame.num_labelled > 0
order by frame.queue_id, frame.stratum, frame.stratum_rank
