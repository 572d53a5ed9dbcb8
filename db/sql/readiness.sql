-- What reviewers have labelled since $since (null: ever) that a run could learn from, and how far the
-- reviews since then agree with run $run_id (null: no run).
with fresh as (
    select annotation.item_id, annotation.label
    from standing_annotation as annotation
    anti join scratch.hidden_item($viewer) as hidden using (item_id)
    where annotation.origin = 'review'
        and annotation.label is not null
        and ($since::timestamp is null or annotation.created_at > $since::timestamp)
),
corrected as (
    select distinct correction.item_id, correction.kind
    from correction
    join item on item.item_id = correction.item_id
    anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = correction.item_id
    where item.split <> 'test'
        and ($since::timestamp is null or correction.created_at > $since::timestamp)
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
    (select count(distinct item_id) from corrected) as num_corrected,
    (select count(distinct item_id) from corrected where kind = 'adjudication') as num_adjudicated,
    (select count(*) from doubly) as num_double,
    (select count(*) from doubly where is_unanimous) as num_unanimous,
    count(distinct fresh.item_id) as num_fresh,
    count(distinct fresh.item_id) filter (where prediction.head_label <> gold.label) as num_fresh_wrong
from fresh
join gold on gold.item_id = fresh.item_id
join prediction
    on prediction.item_id = fresh.item_id
    and prediction.run_id = $run_id
    and prediction.head_label is not null
