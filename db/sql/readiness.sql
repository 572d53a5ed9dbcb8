-- What reviewers have labelled since $since (null: ever) that a run could learn from, and how far the
-- reviews since then agree with run $run_id (null: no run).
-- Watched reviews are those of queues that give every item the same chance and whose filter does
-- not ask what a model or a reviewer made of an item: only they can speak for all items.
with watched_queue as (
    select queue_id
    from queue
    where item_order = 'random'
        and json_extract_string(design, '$.floor') is not null
        and json_extract_string(design, '$.strata') is null
        and json_extract_string(filter, '$.show') in ('all', 'unreviewed')
        and json_extract_string(filter, '$.search') = ''
        and coalesce(
            json_extract_string(filter, '$.gold_label'),
            json_extract_string(filter, '$.answer_label'),
            json_extract_string(filter, '$.head_label'),
            json_extract_string(filter, '$.answer_form'),
            json_extract_string(filter, '$.item_ids')
        ) is null
),
fresh as (
    select
        annotation.item_id,
        annotation.label,
        annotation.queue_id in (select queue_id from watched_queue) as is_watched
    from standing_annotation as annotation
    anti join scratch.hidden_item($viewer) as hidden using (item_id)
    where annotation.origin = 'review'
        and annotation.label is not null
        and ($since::timestamp is null or annotation.created_at > $since::timestamp)
),
corrected as (
    select distinct correction.item_id, correction.kind, item.split
    from correction
    join item on item.item_id = correction.item_id
    anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = correction.item_id
    where $since::timestamp is null or correction.created_at > $since::timestamp
),
doubly as (
    select item_id, min(label) = max(label) as is_unanimous
    from standing_annotation
    anti join scratch.hidden_item($viewer) as hidden using (item_id)
    where origin = 'review' and label is not null
    group by item_id
    having count(*) > 1
)
select
    (select count(distinct item_id) from corrected where split <> 'test') as num_corrected,
    (
        select count(distinct item_id) from corrected where split <> 'test' and kind = 'adjudication'
    ) as num_adjudicated,
    (select count(distinct item_id) from corrected where split = 'test') as num_test_corrected,
    (select count(*) from doubly) as num_double,
    (select count(*) from doubly where is_unanimous) as num_unanimous,
    count(distinct fresh.item_id) as num_fresh,
    count(distinct fresh.item_id) filter (where prediction.head_label <> gold.label)
        as num_fresh_wrong,
    count(distinct fresh.item_id) filter (where is_watched) as num_watched,
    count(distinct fresh.item_id) filter (where is_watched and prediction.head_label <> gold.label)
        as num_watched_wrong
from fresh
join gold on gold.item_id = fresh.item_id
join prediction
    on prediction.item_id = fresh.item_id
    and prediction.run_id = $run_id
    and prediction.head_label is not null
